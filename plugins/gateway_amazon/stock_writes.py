"""Updates of merchant stock on listings that follow another location's stock.

Amazon accepts a quantity at once and applies it later, and it decrements its own count when it sells. A delayed
update would therefore put sold units on sale again. So the listing is read before it is updated, the update is
verified by reading it back, and an outdated one is sent again with a new quantity.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.sdk import (
    Accepted,
    ChannelError,
    Context,
    ContractError,
    Done,
    InvalidValueError,
    Outcome,
    OutcomeUnknownError,
    Refused,
    SetStock,
    Write,
)
from gateway.sdk.json_access import Shape, get_optional_text, get_value
from gateway_amazon.client import ERROR_CODE, GET_LISTING, PATCH_LISTING, AmazonClient
from gateway_amazon.config import AmazonConfig
from gateway_amazon.json_values import get_optional_count, get_optional_objects
from gateway_amazon.listing_feeds import AVAILABILITY, FULFILLMENT, MERCHANT_CHANNEL
from gateway_amazon.listing_search import ListingSearch
from gateway_amazon.listing_values import get_summary

MAX_VISIBILITY_DELAY = timedelta(minutes=15)
"""Maximum delay until an accepted change is visible. Amazon guarantees none."""

MIN_POLL_DELAY, MAX_POLL_DELAY = timedelta(seconds=30), timedelta(minutes=2)
"""Delay until the listing is read again; it grows with the age of the update."""

INCLUDED_DATA = "summaries,fulfillmentAvailability,issues"
DEFAULT_PRODUCT_TYPE = "PRODUCT"


@dataclass(frozen=True, slots=True)
class ListingOffer:
    """The offer of a listing.

    Attributes:
        quantity: Quantity that the merchant offers; None: not stated.
        by_merchant: Whether only the merchant ships it.
        issue: Error code of the quantity that was filed.
    """

    product_type: str
    quantity: int | None
    by_merchant: bool
    issue: str | None


@dataclass(frozen=True, slots=True)
class StockTicket:
    """The quantity that was sent, and when."""

    quantity: int
    at: datetime

    @classmethod
    def parse(cls, text: str) -> StockTicket:
        quantity, at = json.loads(text)
        return cls(quantity, datetime.fromisoformat(at))

    def __str__(self) -> str:
        return json.dumps([self.quantity, self.at.isoformat()])


class StockUpdate(Write[SetStock]):
    """Updates the offered quantity of listings that the merchant ships."""

    of = SetStock
    repeatable = True

    def __init__(self, config: AmazonConfig, context: Context, client: AmazonClient, search: ListingSearch) -> None:
        self._config, self._context = config, context
        self._client, self._search = client, search

    async def send(self, commands: Sequence[SetStock]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._send_command(command) for command in commands]

    async def find(self, command: SetStock, ticket: str | None) -> Outcome | None:
        """See `Write.find`. A ticket with another quantity belongs to an outdated update: this one was never sent."""
        sent = None if ticket is None else StockTicket.parse(ticket)
        if sent is not None and sent.quantity != command.quantity:
            return None
        offer = await self._fetch_offer(command)
        if isinstance(offer, Refused):
            return offer
        if offer.quantity == command.quantity:
            return Done()
        if offer.issue is not None:
            return Refused(code=offer.issue, message="Amazon rejected the quantity")
        if sent is None:
            raise OutcomeUnknownError("the listing does not show the quantity yet, and may still do so")
        return self._wait_or_refuse(sent)

    async def _send_command(self, command: SetStock) -> Outcome:
        offer = await self._fetch_offer(command)
        if isinstance(offer, Refused):
            return offer
        if _is_overtaken(command, offer.quantity):
            return Refused(code="CHANGED", message="the listing has sold units since it was last read")
        path, parameters = self._search.get_path(command.item), {"marketplaceIds": self._config.store}
        answer = await self._client.submit(
            PATCH_LISTING, path, parameters, _build_patch(command.quantity, offer.product_type)
        )
        return self._read_response(command, answer)

    def _read_response(self, command: SetStock, answer: Shape) -> Outcome:
        if answer.get("sku") != command.item or answer.get("status") not in ("ACCEPTED", "INVALID"):
            raise OutcomeUnknownError(f"the response of {PATCH_LISTING.name} has no valid status")
        if answer["status"] == "INVALID":
            code = _find_issue(answer, everywhere=True) or "INVALID"
            return Refused(code=code, message="Amazon rejected the quantity")
        return self._accept(StockTicket(command.quantity, self._context.now()))

    def _wait_or_refuse(self, ticket: StockTicket) -> Outcome:
        """Wait until the quantity is visible. After the maximum delay, refuse the command, so that the quantity is
        recomputed: units may have been sold just after it was applied.
        """
        if self._context.now() < ticket.at + MAX_VISIBILITY_DELAY:
            return self._accept(ticket)
        return Refused(code="NOT_SHOWN", message="Amazon accepted the quantity, but the listing does not show it")

    def _accept(self, ticket: StockTicket) -> Accepted:
        now = self._context.now()
        return Accepted(
            ticket=str(ticket), look_after=now + min(MAX_POLL_DELAY, max(MIN_POLL_DELAY, (now - ticket.at) / 2))
        )

    async def _fetch_offer(self, command: SetStock) -> ListingOffer | Refused:
        """Return the offer if the merchant ships it. A quantity for an FBA listing can make it merchant-fulfilled."""
        if command.place != self._config.merchant_place:
            return _refuse_fba()
        item = await self._search.get_listing(command.item, INCLUDED_DATA)
        if item is None:
            return Refused(code="NOT_FOUND", message="the account has no such listing")
        offer = _parse_offer(item, self._config.store)
        return offer if offer.by_merchant else _refuse_fba()


def _refuse_fba() -> Refused:
    return Refused(code="NOT_MERCHANT_FULFILLED", message="Amazon fulfills this listing and counts its stock")


def _parse_offer(item: Shape, store: str) -> ListingOffer:
    try:
        channels = get_optional_objects(item, FULFILLMENT)
        merchant_channels = [
            channel for channel in channels if channel.get("fulfillmentChannelCode") == MERCHANT_CHANNEL
        ]
        quantity = get_optional_count(merchant_channels[0], "quantity") if merchant_channels else None
        product_type = get_optional_text(get_summary(item, store), "productType") or DEFAULT_PRODUCT_TYPE
        return ListingOffer(
            product_type,
            quantity,
            bool(merchant_channels) and len(merchant_channels) == len(channels),
            _find_issue(item),
        )
    except InvalidValueError as error:
        raise ContractError(f"the response of {GET_LISTING.name}: {error}") from error


def _find_issue(shape: Shape, *, everywhere: bool = False) -> str | None:
    """Return the code of the first error about the quantity, or of any error. Amazon's text is not passed on."""
    for issue in get_optional_objects(shape, "issues"):
        attributes = get_value(issue, "attributeNames") or []
        if issue.get("severity") == "ERROR" and (everywhere or AVAILABILITY in attributes):
            code = str(issue.get("code"))
            return code if ERROR_CODE.fullmatch(code) else "INVALID"
    return None


def _is_overtaken(command: SetStock, offered: int | None) -> bool:
    """Whether units were sold that the quantity does not account for: it would put them on sale again."""
    return command.seen is not None and offered is not None and offered < min(command.seen, command.quantity)


def _build_patch(quantity: int, product_type: str) -> Shape:
    """Build a merge patch: other fields of the attribute, such as the lead time, remain."""
    value = {"fulfillment_channel_code": MERCHANT_CHANNEL, "quantity": quantity}
    patch = {"op": "merge", "path": f"/attributes/{AVAILABILITY}", "value": [value]}
    return {"productType": product_type, "patches": [patch]}
