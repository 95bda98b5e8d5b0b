"""What the merchant offers, set where his count follows another's.

Amazon takes a quantity at once and applies it later, and it lowers its own count when it sells: an older quantity that
comes late puts on sale again what was sold meanwhile. So a listing is looked at before it is told, what it was told is
read back, and what has been overtaken by then is told anew.
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
from gateway.sdk.shapes import Shape, optional_text, within
from gateway_amazon.catalog import summary_of
from gateway_amazon.config import AmazonConfig
from gateway_amazon.listings import AVAILABILITY, FULFILLMENT, MERCHANT
from gateway_amazon.partner import CODE, GET_LISTING, PATCH_LISTING, SellingPartner
from gateway_amazon.search import ListingSearch
from gateway_amazon.shapes import count, objects

SHOWN_WITHIN = timedelta(minutes=15)
"""So long Amazon may take to show what it has taken. It promises nothing."""

SOONEST, LATEST = timedelta(seconds=30), timedelta(minutes=2)
"""How long until the listing is looked at again: the longer it has not shown the quantity, the longer."""

DATA = "summaries,fulfillmentAvailability,issues"
ANY_TYPE = "PRODUCT"


@dataclass(frozen=True, slots=True)
class Offer:
    """A listing as it stands.

    Attributes:
        shown: how many the merchant offers; None: he does not say.
        by_merchant: he ships it, and nobody else does.
        issue: the code of what is wrong with the quantity that he filed.
    """

    product_type: str
    shown: int | None
    by_merchant: bool
    issue: str | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """What was told, and when."""

    quantity: int
    at: datetime

    @classmethod
    def read(cls, text: str) -> Ticket:
        quantity, at = json.loads(text)
        return cls(quantity, datetime.fromisoformat(at))

    def __str__(self) -> str:
        return json.dumps([self.quantity, self.at.isoformat()])


class Setting(Write[SetStock]):
    """So many of a listing can be bought, of those that the merchant ships himself."""

    of = SetStock
    repeatable = True

    def __init__(self, config: AmazonConfig, context: Context, partner: SellingPartner, search: ListingSearch) -> None:
        self._config, self._context = config, context
        self._partner, self._search = partner, search

    async def send(self, commands: Sequence[SetStock]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._sent(command) for command in commands]

    async def find(self, command: SetStock, ticket: str | None) -> Outcome | None:
        """See `Write.find`. Of a ticket for another quantity nothing is waited for: this one was never told."""
        told = None if ticket is None else Ticket.read(ticket)
        if told is not None and told.quantity != command.quantity:
            return None
        offer = await self._offer(command)
        if isinstance(offer, Refused):
            return offer
        if offer.shown == command.quantity:
            return Done()
        if offer.issue is not None:
            return Refused(code=offer.issue, message="Amazon does not take the quantity")
        if told is None:
            raise OutcomeUnknownError("the listing does not show the quantity, and may still come to")
        return self._waiting(told)

    async def _sent(self, command: SetStock) -> Outcome:
        offer = await self._offer(command)
        if isinstance(offer, Refused):
            return offer
        if _would_resell(command, offer.shown):
            return Refused(code="CHANGED", message="the listing has sold some since it was last looked at")
        path, about = self._search.path_of(command.item), {"marketplaceIds": self._config.store}
        answer = await self._partner.tell(PATCH_LISTING, path, about, _patch(command.quantity, offer.product_type))
        return self._answered(command, answer)

    def _answered(self, command: SetStock, answer: Shape) -> Outcome:
        if answer.get("sku") != command.item or answer.get("status") not in ("ACCEPTED", "INVALID"):
            raise OutcomeUnknownError(f"{PATCH_LISTING.name} answered something else than whether it takes it")
        if answer["status"] == "INVALID":
            code = _issue(answer, everywhere=True) or "INVALID"
            return Refused(code=code, message="Amazon does not take the quantity")
        return self._later(Ticket(command.quantity, self._context.now()))

    def _waiting(self, told: Ticket) -> Outcome:
        """What does not show in time is worked out anew: some may have been sold just after it was applied."""
        if self._context.now() < told.at + SHOWN_WITHIN:
            return self._later(told)
        return Refused(code="NOT_SHOWN", message="Amazon took the quantity, and the listing does not show it")

    def _later(self, told: Ticket) -> Accepted:
        now = self._context.now()
        return Accepted(ticket=str(told), look_after=now + min(LATEST, max(SOONEST, (now - told.at) / 2)))

    async def _offer(self, command: SetStock) -> Offer | Refused:
        """The listing, if the merchant ships it. A quantity for one of Amazon's can make it the merchant's."""
        if command.place != self._config.merchant_place:
            return _not_his()
        item = await self._search.one(command.item, DATA)
        if item is None:
            return Refused(code="NOT_FOUND", message="the account has no such listing")
        offer = _read(item, self._config.store)
        return offer if offer.by_merchant else _not_his()


def _not_his() -> Refused:
    return Refused(code="NOT_MERCHANT_FULFILLED", message="Amazon keeps and ships this, and counts it itself")


def _read(item: Shape, store: str) -> Offer:
    try:
        there = objects(item, FULFILLMENT)
        own = [one for one in there if one.get("fulfillmentChannelCode") == MERCHANT]
        shown = count(own[0], "quantity") if own else None
        kind = optional_text(summary_of(item, store), "productType") or ANY_TYPE
        return Offer(kind, shown, bool(own) and len(own) == len(there), _issue(item))
    except InvalidValueError as error:
        raise ContractError(f"the answer of {GET_LISTING.name}: {error}") from error


def _issue(shape: Shape, *, everywhere: bool = False) -> str | None:
    """The code of the first error about the quantity, or about anything. Of its text nothing is passed on."""
    for one in objects(shape, "issues"):
        about = within(one, "attributeNames") or []
        if one.get("severity") == "ERROR" and (everywhere or AVAILABILITY in about):
            code = str(one.get("code"))
            return code if CODE.fullmatch(code) else "INVALID"
    return None


def _would_resell(command: SetStock, shown: int | None) -> bool:
    """Whether some were sold of which the quantity does not know, and it would put them on sale again."""
    return command.seen is not None and shown is not None and shown < min(command.seen, command.quantity)


def _patch(quantity: int, product_type: str) -> Shape:
    """A merge: all else that the seller filed there, such as how long he takes to ship, stays."""
    value = {"fulfillment_channel_code": MERCHANT, "quantity": quantity}
    patch = {"op": "merge", "path": f"/attributes/{AVAILABILITY}", "value": [value]}
    return {"productType": product_type, "patches": [patch]}
