"""Orders: those that changed since, and single ones. The search may be asked once in three minutes."""

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
from gateway.sdk.shapes import Shape, optional_instant, within
from gateway_amazon.config import ORDERS_BACK, AmazonConfig
from gateway_amazon.partner import GET_ORDER, SEARCH_ORDERS, Found, NotFoundError, Query, SellingPartner
from gateway_amazon.sales import kept, order_of
from gateway_amazon.search import named
from gateway_amazon.shapes import packed, segment, stamp, unpacked

PATH = "/orders/2026-01-01/orders"
SETTLING = timedelta(minutes=2)
"""Amazon tells of nothing that is younger."""

OVERLAP = timedelta(minutes=2)
A_DAY = timedelta(days=1)
"""So far the first pass of a day (UTC) reaches back: what Amazon was very late to tell is not missed for good."""

AT_ONCE = 100


class Window(NamedTuple):
    """What a pass asks for, and Amazon's token of the page where it is."""

    after: str
    before: str
    page: str | None = None


class OrderFeed(LiveFeed[OrderRecord]):
    """Orders by their last change. Without a mark it begins some time back, so it never names all there are."""

    of = OrderRecord
    name = "orders"
    every = timedelta(minutes=5)
    lists_all = False
    fetch_at_once = 20

    def __init__(self, config: AmazonConfig, context: Context, partner: SellingPartner) -> None:
        self._config, self._context, self._partner = config, context, partner
        self._data = "PROCEEDS,FULFILLMENT,BUYER" if config.contact else "PROCEEDS,FULFILLMENT"

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        window = self._window(mark) if token is None else Window(*unpacked(token, 3))
        found = await self._partner.search(SEARCH_ORDERS, PATH, self._query(window), window.page)
        reached = _reached(window, found)
        further = packed(*window._replace(page=found.next)) if found.next else None
        return Page(self._raws(found.items), next=further, mark=reached)

    async def fetch(self, refs: Sequence[Ref]) -> Mapping[str, Raw | Gone | ChannelError]:
        return {ref.id: await self._one(ref) for ref in refs}

    def read(self, raw: Raw) -> OrderRecord:
        return order_of(raw, self._config)

    def _window(self, mark: Mark | None) -> Window:
        before = self._context.now() - SETTLING
        after = self._config.orders_since or before - ORDERS_BACK
        if mark is not None:
            known = datetime.fromisoformat(mark)
            after = known - (OVERLAP if known.date() == before.date() else A_DAY)
        return Window(stamp(min(after, before)), stamp(before))

    def _query(self, window: Window) -> Query:
        return {
            "lastUpdatedAfter": window.after,
            "lastUpdatedBefore": window.before,
            "marketplaceIds": ",".join(self._config.marketplace_ids),
            "maxResultsPerPage": str(AT_ONCE),
            "includedData": self._data,
        }

    async def _one(self, ref: Ref) -> Raw | Gone | RejectedError:
        try:
            answer = await self._partner.ask(GET_ORDER, f"{PATH}/{segment(ref.id)}", {"includedData": self._data})
        except NotFoundError:
            return Gone(ref)
        except RejectedError as error:
            return error
        order = within(answer, "order")
        if not isinstance(order, dict) or order.get("orderId") != ref.id:
            raise ContractError(f"{GET_ORDER.name} answered with another order than the one asked for")
        return self._raws([order])[0]

    def _raws(self, orders: Sequence[Shape]) -> list[Raw]:
        """Each order once."""
        slim = named((kept(order, self._config.contact) for order in orders), "orderId")
        return [Raw(name, order) for name, order in slim.items()]


def _reached(window: Window, found: Found) -> str:
    """Up to when the answer holds: as it says itself, but neither before nor after what was asked for."""
    try:
        told = optional_instant(found.answer, "lastUpdatedBefore")
    except InvalidValueError as error:
        raise ContractError(f"the answer of {SEARCH_ORDERS.name}: {error}") from error
    return window.before if told is None else max(window.after, min(window.before, stamp(told)))
