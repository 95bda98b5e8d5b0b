"""Reads of the texts of products, as each channel words them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from gateway.model.catalog import ProductStatus
from gateway.model.content import ProductText
from gateway.storage.reads.catalog import LIVE
from gateway.storage.sql.keyset import is_among
from gateway.storage.tables import channel_products, listings, product_texts


@dataclass(frozen=True, slots=True)
class ChannelTexts:
    """The texts of a product in one channel product.

    Attributes:
        grouped: whether the channel groups variants.
        locale: of the channel's own texts; None: not known.
        own: those texts.
        translations: by locale; only those that were asked for.
    """

    channel: str
    external_id: str
    grouped: bool
    locale: str | None
    own: ProductText
    translations: Mapping[str, ProductText]


_TEXTS = ("title", "description", "html", "seo_title", "seo_description")


def find_texts(
    conn: Connection, product_ids: Sequence[str], locales: Sequence[str], *, everything: bool
) -> Mapping[str, Sequence[ChannelTexts]]:
    """Find the texts of products in all channel products, and their translations into these locales.

    Args:
        everything: whether to find those of channel products that are not on sale, too.
    """
    found = _find_channel_products(conn, product_ids, everything=everything)
    translations = _find_translations(conn, [row.id for rows in found.values() for row in rows], locales)
    return {id_: [_read_texts(row, translations.get(row.id, {})) for row in found.get(id_, ())] for id_ in product_ids}


def _find_channel_products(
    conn: Connection, product_ids: Sequence[str], *, everything: bool
) -> Mapping[str, list[sa.Row[Any]]]:
    listed = sa.select(listings.c.product_id, listings.c.channel_product_id).distinct()
    listed_in = listed.where(is_among(conn, listings.c.product_id, product_ids), LIVE).subquery("listed_in")
    columns = (
        channel_products.c[name] for name in ("id", "channel", "external_id", "grouped", "locale", "status", *_TEXTS)
    )
    statement = sa.select(listed_in.c.product_id, *columns).join(
        listed_in, listed_in.c.channel_product_id == channel_products.c.id
    )
    rows: dict[str, list[sa.Row[Any]]] = {}
    for row in conn.execute(statement):  # a condition on the status would mislead the planner
        if everything or row.status == ProductStatus.ACTIVE.value:
            rows.setdefault(row.product_id, []).append(row)
    return rows


def _find_translations(
    conn: Connection, ids: Sequence[str], locales: Sequence[str]
) -> Mapping[str, dict[str, ProductText]]:
    if not ids or not locales:
        return {}
    statement = sa.select(product_texts).where(
        is_among(conn, product_texts.c.channel_product_id, ids), product_texts.c.locale.in_(locales)
    )
    translations: dict[str, dict[str, ProductText]] = {}
    for row in conn.execute(statement):
        translations.setdefault(row.channel_product_id, {})[row.locale] = _read_text(row, row.locale)
    return translations


def _read_texts(row: sa.Row[Any], translations: Mapping[str, ProductText]) -> ChannelTexts:
    return ChannelTexts(
        row.channel, row.external_id, row.grouped, row.locale, _read_text(row, row.locale or ""), translations
    )


def _read_text(row: sa.Row[Any], locale: str) -> ProductText:
    return ProductText(locale=locale, **{name: getattr(row, name) for name in _TEXTS})
