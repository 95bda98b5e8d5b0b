"""Search of the account's listings: all, changed, or by SKU.

One search returns at most 1,000 listings. A pass therefore consists of several searches; each begins at the date at
which the previous one ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gateway.sdk import ContractError, InvalidValueError
from gateway.sdk.json_access import Shape, get_optional_instant
from gateway_amazon.client import GET_LISTING, SEARCH_LISTINGS, AmazonClient, NotFoundError, ResultPage
from gateway_amazon.config import AmazonConfig
from gateway_amazon.json_values import format_instant, get_optional_count, quote_segment
from gateway_amazon.listing_values import get_summary

LISTINGS_PATH = "/listings/2021-08-01/items"
PAGE_SIZE = 20
"""Listings per page, and SKUs per request."""

MAX_RESULTS = 1_000
"""Maximum number of listings that one search returns."""


class SearchPosition(NamedTuple):
    """Position of a pass.

    Attributes:
        started_at: When the pass began, on the gateway's clock.
        by_change: Whether the pass follows dates of change; otherwise dates of creation, which do not move.
        since: Date at which the current search begins.
        page: Page token of Amazon.
        seen: Number of listings that the current search has returned.
    """

    started_at: str
    by_change: bool
    since: str | None
    page: str | None = None
    seen: int = 0

    @property
    def date_field(self) -> str:
        """Prefix of the date fields that the pass follows."""
        return "lastUpdated" if self.by_change else "created"


class ListingSearch:
    """Searches the listings of one account."""

    def __init__(self, config: AmazonConfig, client: AmazonClient) -> None:
        self._store, self._client = config.store, client
        self._path = f"{LISTINGS_PATH}/{quote_segment(config.seller_id)}"

    async def fetch_page(self, position: SearchPosition, data: str) -> tuple[list[Shape], SearchPosition | None]:
        """Return a page of listings and the next position; None after the last page."""
        query = {
            **self._build_query(data),
            "sortBy": f"{position.date_field}Date",
            "sortOrder": "ASC",
            "pageSize": str(PAGE_SIZE),
        }
        query |= {} if position.since is None else {f"{position.date_field}After": position.since}
        page = await self._client.fetch_page(SEARCH_LISTINGS, self._path, query, position.page)
        return page.items, self._advance(position, page)

    async def find_by_sku(self, skus: Sequence[str], data: str) -> dict[str, Shape]:
        """Return the existing listings of these SKUs. A search may lag, so a missing SKU is read directly."""
        listings: dict[str, Shape] = {}
        joinable = [sku for sku in skus if "," not in sku]
        for start in range(0, len(joinable), PAGE_SIZE):
            batch = joinable[start : start + PAGE_SIZE]
            query = {"identifiersType": "SKU", "identifiers": ",".join(batch), "pageSize": str(PAGE_SIZE)}
            page = await self._client.fetch_page(
                SEARCH_LISTINGS, self._path, {**self._build_query(data), **query}, None
            )
            listings |= {item["sku"]: item for item in page.items if item.get("sku") in batch}
        for sku in skus:
            if sku not in listings and (single := await self.get_listing(sku, data)) is not None:
                listings[sku] = single
        return listings

    def get_path(self, sku: str) -> str:
        """Return the path of a listing."""
        return f"{self._path}/{quote_segment(sku)}"

    async def get_listing(self, sku: str, data: str) -> Shape | None:
        """Return a listing; None if it does not exist. Unlike a search, this does not lag."""
        try:
            item = await self._client.call(GET_LISTING, self.get_path(sku), self._build_query(data))
        except NotFoundError:
            return None
        if item.get("sku") != sku:
            raise ContractError(f"{GET_LISTING.name} returned another listing than requested")
        return item

    def _read_date(self, item: Shape, position: SearchPosition) -> str | None:
        """Return the date that the pass follows; None if invalid. The feed rejects that listing by itself."""
        try:
            date = get_optional_instant(get_summary(item, self._store), f"{position.date_field}Date")
        except InvalidValueError:
            return None
        return None if date is None else format_instant(date)

    def _build_query(self, data: str) -> dict[str, str]:
        return {"marketplaceIds": self._store, "includedData": data}

    def _advance(self, position: SearchPosition, page: ResultPage) -> SearchPosition | None:
        """Return the next position. A further search begins at the last date of the previous one, as results may have
        been cut.
        """
        seen = position.seen + len(page.items)
        if page.next is not None and seen < MAX_RESULTS:
            return position._replace(page=page.next, seen=seen)
        if page.next is None and _count_results(page) <= seen:
            return None
        dates = [date for item in page.items if (date := self._read_date(item, position))]
        if not dates or dates[-1] == position.since:
            raise ContractError(
                f"{SEARCH_LISTINGS.name} returns only {MAX_RESULTS} of the listings with one {position.date_field}Date"
            )
        return position._replace(since=dates[-1], page=None, seen=0)


def _count_results(page: ResultPage) -> int:
    try:
        return get_optional_count(page.body, "numberOfResults") or 0
    except InvalidValueError as error:
        raise ContractError(f"the response of {SEARCH_LISTINGS.name}: {error}") from error


def index_by_id(items: Iterable[Shape], field: str) -> dict[str, Shape]:
    """Index records by ID. A numeric ID is converted; a record without an ID gets an empty one and is rejected."""
    ids = ((item.get(field), item) for item in items)
    return {str(id) if isinstance(id, str | int) else "": item for id, item in ids}
