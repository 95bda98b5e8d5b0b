"""Handles of products: the channel's own, or made of the title; former ones stay valid (rule H2)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from gateway.commerce.catalog.product_grouping import LAST_PRIORITY, ProductGroup
from gateway.model.ids import get_digits
from gateway.model.validation import fold
from gateway.storage.database import Connection
from gateway.storage.writes import products
from gateway.storage.writes.listings import ChannelProductRow
from gateway.storage.writes.products import ProductRow


def build_slug(title: str, default: str = "product") -> str:
    """Build the URL part of a title; the default if it has no letters of a URL."""
    return re.sub(r"[^a-z0-9]+", "-", fold(title)).strip("-")[:60] or default


def propose_handle(product_id: str, source: ChannelProductRow, former: ProductRow | None) -> str:
    """Propose the handle of a product: the channel's own, else the one it has, else one made of its title."""
    if source.handle is not None:
        return source.handle
    return former.handle if former else extend_handle(build_slug(source.title), product_id)


def extend_handle(text: str, product_id: str) -> str:
    """Extend a handle by digits of the product's ID, so that no other product has it, and it is found by them."""
    return f"{text}-{get_digits(product_id)}"


def settle_handles(conn: Connection, group: ProductGroup, rows: Sequence[ProductRow]) -> list[ProductRow]:
    """Settle which product has a handle that several claim (rule H2). The others get digits, and so on until no two
    have the same. Former handles are added, and freed before the new ones are stored.

    Returns:
        The products outside the group that lose or get one.
    """
    former = {row.id: row.handle for row in group.products.values()}
    contested = {handle for row in group.products.values() for handle in (row.handle, row.handle_claim) if handle}
    contestants = {row.id: row for row in rows}
    while True:
        contested |= {row.handle for row in contestants.values()}
        outside = _load_claimants(conn, contested, contestants.keys())
        former |= {row.id: row.handle for row in outside}
        for row in outside:
            if row.handle_claim in contested:
                row.handle = row.handle_claim
        contestants |= {row.id: row for row in outside}
        if not _extend_losers(contestants.values(), group.rules.priority) and not outside:
            break
    replaced = [row.id for row in contestants.values() if former.get(row.id, row.handle) != row.handle]
    products.add_former_handles(conn, [(former[id_], id_) for id_ in replaced], group.now)
    taken = {row.handle for row in contestants.values()}
    products.free_handles(conn, [id_ for id_ in replaced if former[id_] in taken])
    inside = {row.id for row in rows}
    return [contestants[id_] for id_ in replaced if id_ not in inside]


def _extend_losers(contestants: Iterable[ProductRow], priority: Mapping[str, int]) -> bool:
    """Extend the handle of each product that another one with the same handle comes before. Returns whether any is."""
    by_handle: dict[str, list[ProductRow]] = {}
    for row in contestants:
        by_handle.setdefault(row.handle, []).append(row)
    losers = [
        row
        for claimants in by_handle.values()
        for row in sorted(claimants, key=lambda row: _rank_claim(row, priority))[1:]
    ]
    for row in losers:
        row.handle = extend_handle(row.handle, row.id)
    return bool(losers)


def _load_claimants(conn: Connection, handles: set[str], ids: Collection[str]) -> list[ProductRow]:
    """Load the other products that have one of these handles or claim it."""
    return [row for row in products.find_products_by_handle(conn, handles) if row.id not in ids]


def _rank_claim(row: ProductRow, priority: Mapping[str, int]) -> tuple[bool, bool, int, str, str, str]:
    """Rank a claim: products that a channel lists, then those whose channel gives this handle, by its priority."""
    channel = row.handle_channel
    rank = LAST_PRIORITY if channel is None else priority.get(channel, LAST_PRIORITY)
    is_made = row.handle != row.handle_claim
    return (not row.visible, is_made, rank, channel or "", row.handle_external_id or "", row.id)
