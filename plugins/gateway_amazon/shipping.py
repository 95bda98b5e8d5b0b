"""Telling Amazon that the merchant has sent something.

The models at hand have one way: a feed, which carries many parcels, is processed when Amazon gets to it, and is
reported on. One may be made in two minutes, so parcels are gathered. A feed has no name of ours: when the answer to
making one is lost, only the orders themselves tell whether it was made.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

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
    ShipOrder,
    Write,
)
from gateway.sdk.shapes import Shape, instant, one, optional_text, text, within
from gateway_amazon.config import AmazonConfig
from gateway_amazon.documents import FEEDS, Documents
from gateway_amazon.envelopes import envelope, errors_of
from gateway_amazon.orders import PATH as ORDERS
from gateway_amazon.parcels import SHORT, Dispatch, Parcel, parcel_of
from gateway_amazon.partner import CREATE_FEED, GET_FEED, GET_FEEDS, GET_ORDER, NotFoundError, SellingPartner
from gateway_amazon.shapes import objects, segment, stamp
from gateway_amazon.stocking import SHOWN_WITHIN

PATH = f"{FEEDS}/feeds"
TYPE = "POST_ORDER_FULFILLMENT_DATA"
AT_ONCE = 20
LOOK_EVERY = timedelta(minutes=1)
KNOWN_REPORTS = 100
ENDED_SINCE = timedelta(hours=2)
"""Of feeds that were made since it is asked when they ended; of those that have not, since ever."""

UNDER_WAY, ENDED = ("IN_QUEUE", "IN_PROGRESS"), ("DONE", "FATAL")


@dataclass(frozen=True, slots=True)
class Ticket:
    """Where a parcel is told: the feed, its message; by line its units, and those that had left before."""

    feed: str
    message: int
    lines: Mapping[str, int]
    before: Mapping[str, int]

    @classmethod
    def read(cls, text: str) -> Ticket:
        return cls(*json.loads(text))

    def __str__(self) -> str:
        return json.dumps([self.feed, self.message, dict(self.lines), dict(self.before)])


class Shipping(Write[ShipOrder]):
    """Parcels of orders that the merchant sends himself."""

    of = ShipOrder
    batch = AT_ONCE
    gather = timedelta(minutes=2)

    def __init__(self, config: AmazonConfig, context: Context, partner: SellingPartner) -> None:
        self._config, self._context, self._partner = config, context, partner
        self._documents = Documents(config, context, partner)
        self._reports: dict[str, Mapping[int, str]] = {}
        self._turn = asyncio.Lock()
        self._given_up: set[str] = set()

    async def send(self, commands: Sequence[ShipOrder]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`. All that can leave is told by one feed."""
        looked_at = [await self._looked_at(command) for command in commands]
        parcels = [one for one in looked_at if isinstance(one, Parcel)]
        told = iter(await self._told(parcels) if parcels else ())
        return [next(told) if isinstance(one, Parcel) else one for one in looked_at]

    async def find(self, command: ShipOrder, ticket: str | None) -> Outcome | None:
        """See `Write.find`."""
        if ticket is None:
            return await self._lost(command)
        told = Ticket.read(ticket)
        try:
            feed = await self._partner.ask(GET_FEED, f"{PATH}/{segment(told.feed)}", {})
        except NotFoundError as error:
            raise OutcomeUnknownError("Amazon does not know the feed any more") from error
        status = feed.get("processingStatus")
        if status in UNDER_WAY:
            return self._later(told)
        if status == "CANCELLED":
            return None
        if status == "DONE" and isinstance(feed.get("resultFeedDocumentId"), str):
            return await self._reported(told, feed["resultFeedDocumentId"])
        if status not in ENDED:
            raise OutcomeUnknownError("the feed is in no state that is known")
        return await self._aborted(command, told, feed)

    # -------------------------------------------------------------------------------------------- telling

    async def _looked_at(self, command: ShipOrder) -> Parcel | Outcome | ChannelError:
        try:
            order = await self._order(command)
        except ChannelError as error:
            return error
        return _no_such_order() if order is None else parcel_of(command, order)

    async def _told(self, parcels: Sequence[Parcel]) -> Sequence[Outcome | ChannelError]:
        now = self._context.now()
        try:
            document = await self._documents.put(envelope(parcels, self._config.seller_id, now))
            about = {
                "feedType": TYPE,
                "marketplaceIds": list(self._config.marketplace_ids[:25]),
                "inputFeedDocumentId": document,
            }
            feed = _feed_id(await self._partner.tell(CREATE_FEED, PATH, {}, about))
        except ChannelError as error:
            return [error for _ in parcels]
        tickets = [Ticket(feed, number, one.lines, one.before) for number, one in enumerate(parcels, 1)]
        return [self._later(ticket) for ticket in tickets]

    def _later(self, ticket: Ticket) -> Accepted:
        return Accepted(ticket=str(ticket), look_after=self._context.now() + LOOK_EVERY)

    async def _order(self, command: ShipOrder) -> Dispatch | None:
        """The order as it stands; None: there is none."""
        query = {"includedData": "FULFILLMENT,PACKAGES"}
        try:
            answer = await self._partner.ask(GET_ORDER, f"{ORDERS}/{segment(command.subject.id)}", query)
            order = one(answer, "order")
            if text(order, "orderId") != command.subject.id:
                raise InvalidValueError("orderId", "is another one")
            return Dispatch.read(order)
        except NotFoundError:
            return None
        except InvalidValueError as error:
            raise ContractError(f"the answer of {GET_ORDER.name}: {error}") from error

    # -------------------------------------------------------------------------------------------- what came of it

    async def _reported(self, told: Ticket, document: str) -> Outcome:
        code = (await self._report(told.feed, document)).get(told.message)
        return Done() if code is None else Refused(code=code, message="Amazon does not take the parcel")

    async def _report(self, feed: str, document: str) -> Mapping[int, str]:
        """Each report is read once, for all who wait for it: it may be asked for once in 45 seconds."""
        async with self._turn:
            if feed not in self._reports:
                found = errors_of(await self._documents.get(document))
                self._reports = dict([*self._reports.items(), (feed, found)][-KNOWN_REPORTS:])
            return self._reports[feed]

    async def _aborted(self, command: ShipOrder, told: Ticket, feed: Shape) -> Outcome | None:
        """Of a feed without a report some, all or nothing may have been carried out: the order tells, in time."""
        order = await self._order(command)
        if order is None:
            return _no_such_order()
        left = [order.shipped.get(id, 0) - told.before.get(id, 0) for id in told.lines]
        if all(more >= units for more, units in zip(left, told.lines.values(), strict=True)):
            return Done()
        if any(left):
            raise OutcomeUnknownError("some of what was told has left, and not all of it")
        return self._later(told) if self._is_fresh(feed) else self._once_more(command)

    def _once_more(self, command: ShipOrder) -> Refused | None:
        """It may be another parcel's fault that a feed was aborted; twice it is not."""
        if command.key not in self._given_up:
            self._given_up.add(command.key)
            return None
        self._given_up.discard(command.key)
        return Refused(code="FATAL", message="Amazon has aborted the feed, and nothing of this has left")

    async def _lost(self, command: ShipOrder) -> Outcome | None:
        """Whether a feed that tells it was made. None: no order shows it, and no feed is left that could bring it."""
        order = await self._order(command)
        if order is None:
            return _no_such_order()
        if command.tracking_number in order.tracked:
            return Done()
        parcel = parcel_of(command, order)
        if isinstance(parcel, Done | Refused) and parcel != SHORT:
            return parcel
        partly = any(order.shipped.values()) and (not command.tracking_number or not order.tracked)
        if not isinstance(parcel, Parcel) or partly:
            raise OutcomeUnknownError("some of the order has left, and it cannot be told whether this has")
        if await self._is_any_under_way():
            raise OutcomeUnknownError("a feed is being processed that may tell it")
        return None

    async def _is_any_under_way(self) -> bool:
        waiting = await self._feeds({"processingStatuses": ",".join(UNDER_WAY)})
        if waiting:
            return True
        since = {"createdSince": stamp(self._context.now() - ENDED_SINCE)}
        return any(self._is_fresh(feed) for feed in await self._feeds(since))

    async def _feeds(self, query: Mapping[str, str]) -> Sequence[Shape]:
        answer = await self._partner.ask(GET_FEEDS, PATH, {"feedTypes": TYPE, "pageSize": "100", **query})
        if within(answer, "nextToken"):
            raise OutcomeUnknownError("there are too many feeds to tell which was which")
        try:
            return objects(answer, "feeds")
        except InvalidValueError as error:
            raise ContractError(f"the answer of {GET_FEEDS.name}: {error}") from error

    def _is_fresh(self, feed: Shape) -> bool:
        """Whether what it did may not be seen yet."""
        try:
            ended = instant(feed, "processingEndTime" if optional_text(feed, "processingEndTime") else "createdTime")
        except InvalidValueError as error:
            raise ContractError(f"a feed says not when it was made or ended: {error}") from error
        return self._context.now() < ended + SHOWN_WITHIN


def _feed_id(answer: Shape) -> str:
    try:
        return text(answer, "feedId")
    except InvalidValueError as error:
        raise OutcomeUnknownError(f"{CREATE_FEED.name} answered without the feed's id") from error


def _no_such_order() -> Refused:
    return Refused(code="NOT_FOUND", message="the account has no such order")
