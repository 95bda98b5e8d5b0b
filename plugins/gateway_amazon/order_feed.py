"""Feed of orders: changed orders, and single orders by ID. The search may be called once in three minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from gateway.sdk import (
    ChannelError,
    Context,
    ContractError,
    Gone,
    InvalidValueError,
    LiveFeed,
    Mark,
    OrderRecord,
    Page,
    Raw,
    Ref,
    RejectedError,
    Token,
)
from gateway.sdk.json_access import Shape, get_optional_instant, get_value
from gateway_amazon.client import GET_ORDER, SEARCH_ORDERS, AmazonClient, NotFoundError, Query, ResultPage
from gateway_amazon.config import DEFAULT_ORDER_HISTORY, AmazonConfig
from gateway_amazon.json_values import format_instant, pack_token, quote_segment, unpack_token
from gateway_amazon.listing_search import index_by_id
from gateway_amazon.order_mapping import map_order, reduce_order

ORDERS_PATH = "/orders/2026-01-01/orders"
SEARCH_DELAY = timedelta(minutes=2)
"""Amazon's search does not return younger changes."""

OVERLAP = timedelta(minutes=2)
DAILY_OVERLAP = timedelta(days=1)
"""Overlap of the first pass of a day (UTC): it catches changes that Amazon published very late."""

PAGE_SIZE = 100


class UpdateWindow(NamedTuple):
    """Time range of a pass, and Amazon's token of the current page."""

    after: str
    before: str
    page: str | None = None


class OrderFeed(LiveFeed[OrderRecord]):
    """Orders by their last change. The first pass covers a limited history, so the feed never lists all orders."""

    of = OrderRecord
    name = "orders"
    every = timedelta(minutes=5)
    lists_all = False
    fetch_at_once = 20

    def __init__(self, config: AmazonConfig, context: Context, client: AmazonClient) -> None:
        self._config, self._context, self._client = config, context, client
        self._data = "PROCEEDS,FULFILLMENT,BUYER" if config.contact else "PROCEEDS,FULFILLMENT"

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        window = self._open_window(mark) if token is None else UpdateWindow(*unpack_token(token, 3))
        results = await self._client.fetch_page(SEARCH_ORDERS, ORDERS_PATH, self._build_query(window), window.page)
        new_mark = _read_mark(window, results)
        next_token = pack_token(*window._replace(page=results.next)) if results.next else None
        return Page(self._build_raws(results.items), next=next_token, mark=new_mark)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        return {ref.id: await self._fetch_order(ref) for ref in refs}

    def read(self, raw: Raw) -> OrderRecord:
        return map_order(raw, self._config)

    def _open_window(self, mark: Mark | None) -> UpdateWindow:
        before = self._context.now() - SEARCH_DELAY
        after = self._config.orders_since or before - DEFAULT_ORDER_HISTORY
        if mark is not None:
            previous = datetime.fromisoformat(mark)
            after = previous - (OVERLAP if previous.date() == before.date() else DAILY_OVERLAP)
        return UpdateWindow(format_instant(min(after, before)), format_instant(before))

    def _build_query(self, window: UpdateWindow) -> Query:
        return {
            "lastUpdatedAfter": window.after,
            "lastUpdatedBefore": window.before,
            "marketplaceIds": ",".join(self._config.marketplace_ids),
            "maxResultsPerPage": str(PAGE_SIZE),
            "includedData": self._data,
        }

    async def _fetch_order(self, ref: Ref) -> Raw | Gone | RejectedError:
        try:
            answer = await self._client.call(
                GET_ORDER, f"{ORDERS_PATH}/{quote_segment(ref.id)}", {"includedData": self._data}
            )
        except NotFoundError:
            return Gone(ref)
        except RejectedError as error:
            return error
        order = get_value(answer, "order")
        if not isinstance(order, dict) or order.get("orderId") != ref.id:
            raise ContractError(f"{GET_ORDER.name} returned another order than requested")
        return self._build_raws([order])[0]

    def _build_raws(self, orders: Sequence[Shape]) -> list[Raw]:
        """Return one raw record for each order."""
        reduced = index_by_id((reduce_order(order, self._config.contact) for order in orders), "orderId")
        return [Raw(name, order) for name, order in reduced.items()]


def _read_mark(window: UpdateWindow, page: ResultPage) -> str:
    """Return the time up to which the response is complete: as Amazon states, limited to the requested range."""
    try:
        limit = get_optional_instant(page.body, "lastUpdatedBefore")
    except InvalidValueError as error:
        raise ContractError(f"the response of {SEARCH_ORDERS.name}: {error}") from error
    return window.before if limit is None else max(window.after, min(window.before, format_instant(limit)))
