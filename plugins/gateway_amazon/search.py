"""Searching the account's listings: all of them, those that have changed, or some by SKU.

One search shows 1,000 listings at most. So a pass is several: each begins at the date up to which the last one came.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from gateway.sdk import ContractError, CursorExpiredError, InvalidValueError
from gateway_amazon.catalog import summary_of
from gateway_amazon.config import AmazonConfig
from gateway_amazon.partner import GET_LISTING, SEARCH_LISTINGS, NotFoundError, SellingPartner
from gateway_amazon.shapes import Shape, count, objects, text

BASE = "/listings/2021-08-01/items"
AT_ONCE = 20
"""Listings a page, and SKUs a request."""

SHOWN = 1_000
"""As many listings one search shows."""


@dataclass(frozen=True, slots=True)
class Position:
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

    @classmethod
    def parse(cls, token: str) -> Position:
        """Read a token back."""
        try:
            return cls(*json.loads(token))
        except (ValueError, TypeError) as error:
            raise CursorExpiredError("the page token is none of this feed") from error

    def token(self) -> str:
        """As text."""
        return json.dumps([self.begun, self.changed, self.since, self.page, self.seen])


class ListingSearch:
    """The searches of one account."""

    def __init__(self, config: AmazonConfig, partner: SellingPartner) -> None:
        self._config, self._partner = config, partner
        self._path = f"{BASE}/{quote(config.seller_id, safe='')}"

    async def page(self, at: Position, data: str) -> tuple[list[Shape], Position | None]:
        """The listings there, and where the next ones are; None: those were all."""
        query = {
            "sortBy": "lastUpdatedDate" if at.changed else "createdDate",
            "lastUpdatedAfter" if at.changed else "createdAfter": at.since,
            "sortOrder": "ASC",
            "pageSize": str(AT_ONCE),
            "pageToken": at.page,
        }
        found = await self._search(query, data)
        try:
            items = objects(found, "items")
            return items, self._next(at, found, items)
        except InvalidValueError as error:
            raise ContractError(f"the answer of {SEARCH_LISTINGS.name}: {error}") from error

    async def by_sku(self, skus: Sequence[str], data: str) -> dict[str, Shape]:
        """Those of these listings that there are."""
        found: dict[str, Shape] = {}
        together = [sku for sku in skus if "," not in sku]
        for start in range(0, len(together), AT_ONCE):
            some = together[start : start + AT_ONCE]
            by_sku = {"identifiersType": "SKU", "identifiers": ",".join(some), "pageSize": str(AT_ONCE)}
            answer = await self._search(by_sku, data)
            found |= {item["sku"]: item for item in self._items(answer) if item.get("sku") in some}
        for sku in skus:
            if sku not in found and (single := await self._single(sku, data)) is not None:
                found[sku] = single
        return found

    async def _search(self, query: Mapping[str, str | None], data: str) -> Shape:
        return await self._partner.ask(SEARCH_LISTINGS, self._path, {**self._about(data), **query})

    async def _single(self, sku: str, data: str) -> Shape | None:
        """A search may not know yet, or any more, what there is."""
        try:
            path = f"{self._path}/{quote(sku, safe='')}"
            item = await self._partner.ask(GET_LISTING, path, self._about(data))
        except NotFoundError:
            return None
        if item.get("sku") != sku:
            raise ContractError(f"{GET_LISTING.name} answered with another listing than the one asked for")
        return item

    def _about(self, data: str) -> dict[str, str | None]:
        return {"marketplaceIds": self._config.store, "includedData": data}

    def _items(self, answer: Shape) -> list[Shape]:
        try:
            return objects(answer, "items")
        except InvalidValueError as error:
            raise ContractError(f"the answer of {SEARCH_LISTINGS.name}: {error}") from error

    def _next(self, at: Position, found: Shape, items: Sequence[Shape]) -> Position | None:
        page, seen = text(found, "pagination", "nextToken"), at.seen + len(items)
        if page is not None and page == at.page:
            raise ContractError(f"{SEARCH_LISTINGS.name} names a page as its own next one")
        if page is not None and seen < SHOWN:
            return replace(at, page=page, seen=seen)
        if page is None and (count(found, "numberOfResults") or 0) <= seen:
            return None
        return self._further(at, items)

    def _further(self, at: Position, items: Sequence[Shape]) -> Position:
        """The next search. It begins with the listings of the date at which this one ended: some may have been cut."""
        name = "lastUpdatedDate" if at.changed else "createdDate"
        dates = [date for item in items if (date := text(summary_of(item, self._config.store), name))]
        if not dates or dates[-1] == at.since:
            raise ContractError(
                f"{SEARCH_LISTINGS.name} shows no more than {SHOWN} listings at once, and more have one {name}"
            )
        return replace(at, since=dates[-1], page=None, seen=0)


def named(items: Iterable[Shape]) -> dict[str, Shape]:
    """Each listing once, by what it calls itself; what has no name stands under an empty one, and is rejected."""
    return {name_of(item.get("sku")): item for item in items}


def name_of(value: object) -> str:
    """An id as text: one that has changed its type is still the same thing's."""
    return str(value) if isinstance(value, str | int) else ""
