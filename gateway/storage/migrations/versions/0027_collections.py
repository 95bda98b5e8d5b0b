"""Add collections with their members, and products that are bought together."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _create_collections()
    _create_products()
    _create_bought_together()
    op.create_index("ix_products_similar", "products", ["category_id", "brand", "id"])
    op.create_index("ix_products_same_category", "products", ["category_id", "id"])


def _create_collections() -> None:
    op.create_table(
        "collections",
        *(sa.Column(name, TEXT, nullable=False) for name in ("id", "source_id", "channel", "external_id")),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("handle", TEXT, nullable=False),
        sa.Column("handle_claim", TEXT, nullable=True),
        *(sa.Column(name, TEXT, nullable=False) for name in ("title", "sort_title", "texts")),
        sa.Column("image", TEXT, nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collections"),
        sa.UniqueConstraint("channel", "external_id", name="uq_collections_channel_external_id"),
    )
    op.create_index("ix_collections_source", "collections", ["source_id"])
    op.create_index("ix_collections_handle", "collections", ["handle", "channel"])
    op.create_index("ix_collections_title", "collections", ["sort_title", "id"])
    op.create_table(
        "former_collection_handles",
        *(sa.Column(name, TEXT, nullable=False) for name in ("channel", "handle", "collection_id")),
        sa.Column("replaced_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "handle", "collection_id", name="pk_former_collection_handles"),
        sqlite_with_rowid=False,
    )


def _create_products() -> None:
    op.create_table(
        "collection_members",
        *(sa.Column(name, TEXT, nullable=False) for name in ("collection_id", "external_id", "channel")),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("collection_id", "external_id", name="pk_collection_members"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_collection_members_product", "collection_members", ["channel", "external_id"])
    op.create_table(
        "collection_products",
        *(sa.Column(name, TEXT, nullable=False) for name in ("collection_id", "product_id")),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("collection_id", "product_id", name="pk_collection_products"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_collection_products_position", "collection_products", ["collection_id", "position", "product_id"]
    )
    op.create_index("ix_collection_products_product", "collection_products", ["product_id"])


def _create_bought_together() -> None:
    op.create_table(
        "bought_together",
        *(sa.Column(name, TEXT, nullable=False) for name in ("product_id", "channel", "other_id")),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", "channel", "other_id", name="pk_bought_together"),
        sqlite_with_rowid=False,
    )
