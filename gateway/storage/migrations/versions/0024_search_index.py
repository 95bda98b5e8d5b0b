"""Add the search index of products with ranks, and filled from the words of the one before, without ranks.

The next pass over the products of each channel ranks them (rule S11). `words` of the kind `product` stay for processes
of the version before.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
UNRANKED = 900
"""The rank of words that are not ranked yet."""

MIN_LENGTH, MAX_LENGTH = 5, 20
SLICE = 10_000


def upgrade() -> None:
    op.add_column("products", sa.Column("search_index", TEXT, nullable=True))
    op.create_table(
        "product_words",
        sa.Column("word", TEXT, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("product_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("word", "rank", "product_id", name="pk_product_words"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "word_edits",
        sa.Column("edit", TEXT, nullable=False),
        sa.Column("word", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("edit", "word", name="pk_word_edits"),
        sqlite_with_rowid=False,
    )
    op.execute(
        f"INSERT INTO product_words SELECT word, {UNRANKED}, subject_id FROM words WHERE kind = 'product' "
        "ORDER BY word, subject_id"
    )
    listed = f"replace(words, ' ', ':{UNRANKED} ') || ':{UNRANKED}'"
    # no text of SQLAlchemy: in it, :900 is a parameter
    op.get_bind().exec_driver_sql(f"UPDATE products SET search_index = CASE words WHEN '' THEN '' ELSE {listed} END")
    _insert_edits(op.get_bind())


def _insert_edits(conn: sa.engine.Connection) -> None:
    edits = sa.table("word_edits", sa.column("edit"), sa.column("word"))
    known = conn.scalars(sa.text("SELECT DISTINCT word FROM product_words")).all()
    rows = sorted({row for word in known for row in _list_edits(word)})
    for start in range(0, len(rows), SLICE):
        slice_ = [{"edit": edit, "word": word} for edit, word in rows[start : start + SLICE]]
        conn.execute(sa.insert(edits), slice_)


def _list_edits(word: str) -> Iterator[tuple[str, str]]:
    if MIN_LENGTH <= len(word) <= MAX_LENGTH and word.isalpha():
        yield word, word
        yield from ((word[:at] + word[at + 1 :], word) for at in range(len(word)))
