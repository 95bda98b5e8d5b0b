"""Searching the account's listings: all of them, those that have changed, or some by SKU.

One search shows 1,000 listings at most. So a pass is several: each begins at the date up to which the last one came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gateway.sdk import ContractError, InvalidValueError
from gateway.sdk.shapes import Shape, optional_instant
from gateway_amazon.catalog import summary_of
from gateway_amazon.config import AmazonConfig
from gateway_amazon.partner import GET_LISTING, SEARCH_LISTINGS, Found, NotFoundError, SellingPartner
from gateway_amazon.shapes import count, segment, stamp

BASE = "/listings/2021-08-01/items"
AT_ONCE = 20
"""Listings a page, and SKUs a request."""

SHOWN = 1_000
"""As many listings one search shows."""


class Position(NamedTuple):
    """Where a pass is.

    Attributes:
        begun: when it began, on our clock.
        changed: it goes by the dates of change, else by those of creation, which stay.
        since: the date at which the present search begins.
        page: Amazon's token.
        seen: how many listings the present search has shown.
    """

    begun: str
    changed: bool
    since: str | None
    page: str | None = None
    seen: int = 0

    @property
    def date(self) -> str:
        """The date that it goes by."""
        return "lastUpdated" if self.changed else "created"


class ListingSearch:
    """The searches of one account."""

    def __init__(self, config: AmazonConfig, partner: SellingPartner) -> None:
        self._store, self._partner = config.store, partner
        self._path = f"{BASE}/{segment(config.seller_id)}"

    async def page(self, at: Position, data: str) -> tuple[list[Shape], Position | None]:
        """The listings there, and where the next ones are; None: those were all."""
        query = {**self._about(data), "sortBy": f"{at.date}Date", "sortOrder": "ASC", "pageSize": str(AT_ONCE)}
        query |= {} if at.since is None else {f"{at.date}After": at.since}
        found = await self._partner.search(SEARCH_LISTINGS, self._path, query, at.page)
        return found.items, self._next(at, found)

    async def by_sku(self, skus: Sequence[str], data: str) -> dict[str, Shape]:
        """Those of these listings that there are. A search may not know yet, or any more, what there is."""
        found: dict[str, Shape] = {}
        together = [sku for sku in skus if "," not in sku]
        for start in range(0, len(together), AT_ONCE):
            some = together[start : start + AT_ONCE]
            query = {"identifiersType": "SKU", "identifiers": ",".join(some), "pageSize": str(AT_ONCE)}
            page = await self._partner.search(SEARCH_LISTINGS, self._path, {**self._about(data), **query}, None)
            found |= {item["sku"]: item for item in page.items if item.get("sku") in some}
        for sku in skus:
            if sku not in found and (single := await self.one(sku, data)) is not None:
                found[sku] = single
        return found

    def path_of(self, sku: str) -> str:
        """Where a listing is read, and changed."""
        return f"{self._path}/{segment(sku)}"

    async def one(self, sku: str, data: str) -> Shape | None:
        """A listing, as it is known to itself: a search may lag behind."""
        try:
            item = await self._partner.ask(GET_LISTING, self.path_of(sku), self._about(data))
        except NotFoundError:
            return None
        if item.get("sku") != sku:
            raise ContractError(f"{GET_LISTING.name} answered with another listing than the one asked for")
        return item

    def _date(self, item: Shape, at: Position) -> str | None:
        """The date that the pass goes by; None, where it is none. Of that listing its own feed will tell."""
        try:
            found = optional_instant(summary_of(item, self._store), f"{at.date}Date")
        except InvalidValueError:
            return None
        return None if found is None else stamp(found)

    def _about(self, data: str) -> dict[str, str]:
        return {"marketplaceIds": self._store, "includedData": data}

    def _next(self, at: Position, found: Found) -> Position | None:
        """Where the pass goes on. A further search begins with the date at which this one ended: some may be cut."""
        seen = at.seen + len(found.items)
        if found.next is not None and seen < SHOWN:
            return at._replace(page=found.next, seen=seen)
        if found.next is None and _results(found) <= seen:
            return None
        dates = [date for item in found.items if (date := self._date(item, at))]
        if not dates or dates[-1] == at.since:
            raise ContractError(f"{SEARCH_LISTINGS.name} shows only {SHOWN} of the listings with one {at.date}Date")
        return at._replace(since=dates[-1], page=None, seen=0)


def _results(found: Found) -> int:
    try:
        return count(found.answer, "numberOfResults") or 0
    except InvalidValueError as error:
        raise ContractError(f"the answer of {SEARCH_LISTINGS.name}: {error}") from error


def named(items: Iterable[Shape], field: str) -> dict[str, Shape]:
    """Each record once, by its id. One that has changed its type is still the same thing's; one without is rejected."""
    ids = ((item.get(field), item) for item in items)
    return {str(id) if isinstance(id, str | int) else "": item for id, item in ids}
