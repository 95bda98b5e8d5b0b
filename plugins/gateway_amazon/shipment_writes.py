"""Confirmation of shipments that the merchant sent.

The API confirms shipments with a feed, which carries many parcels, is processed asynchronously, and has a report.
One feed may be created in two minutes, so parcels are batched. A feed carries no reference of the client: if the
response to its creation is lost, only the orders show whether it was created.
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
from gateway.sdk.json_access import Shape, get_instant, get_object, get_optional_text, get_text, get_value
from gateway_amazon.client import CREATE_FEED, GET_FEED, GET_FEEDS, GET_ORDER, AmazonClient, NotFoundError
from gateway_amazon.config import AmazonConfig
from gateway_amazon.feed_documents import FEEDS_PATH, FeedDocuments
from gateway_amazon.feed_xml import build_envelope, parse_errors
from gateway_amazon.json_values import format_instant, get_optional_objects, quote_segment
from gateway_amazon.order_feed import ORDERS_PATH
from gateway_amazon.shipment_mapping import NOT_ENOUGH_UNITS, OrderDispatch, Parcel, build_parcel
from gateway_amazon.stock_writes import MAX_VISIBILITY_DELAY

FEEDS_ENDPOINT = f"{FEEDS_PATH}/feeds"
FEED_TYPE = "POST_ORDER_FULFILLMENT_DATA"
BATCH_SIZE = 20
POLL_INTERVAL = timedelta(minutes=1)
MAX_CACHED_REPORTS = 100
FEED_LOOKBACK = timedelta(hours=2)
"""Period of feeds whose end is checked; feeds in process are listed without a limit."""

UNPROCESSED, PROCESSED = ("IN_QUEUE", "IN_PROGRESS"), ("DONE", "FATAL")


@dataclass(frozen=True, slots=True)
class FeedTicket:
    """The feed and message of a parcel, its units by line ID, and the units shipped before."""

    feed: str
    message: int
    lines: Mapping[str, int]
    shipped_before: Mapping[str, int]

    @classmethod
    def parse(cls, text: str) -> FeedTicket:
        return cls(*json.loads(text))

    def __str__(self) -> str:
        return json.dumps([self.feed, self.message, dict(self.lines), dict(self.shipped_before)])


class ShipmentConfirmation(Write[ShipOrder]):
    """Confirms shipments of orders that the merchant fulfills."""

    of = ShipOrder
    batch = BATCH_SIZE
    gather = timedelta(minutes=2)

    def __init__(self, config: AmazonConfig, context: Context, client: AmazonClient) -> None:
        self._config, self._context, self._client = config, context, client
        self._documents = FeedDocuments(config, context, client)
        self._reports: dict[str, Mapping[int, str]] = {}
        self._report_lock = asyncio.Lock()
        self._aborted_keys: set[str] = set()

    async def send(self, commands: Sequence[ShipOrder]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`. One feed confirms all parcels."""
        prepared = [await self._prepare(command) for command in commands]
        parcels = [entry for entry in prepared if isinstance(entry, Parcel)]
        outcomes = iter(await self._submit_feed(parcels) if parcels else ())
        return [next(outcomes) if isinstance(entry, Parcel) else entry for entry in prepared]

    async def find(self, command: ShipOrder, ticket: str | None) -> Outcome | None:
        """See `Write.find`."""
        if ticket is None:
            return await self._resolve_lost(command)
        parsed = FeedTicket.parse(ticket)
        try:
            feed = await self._client.call(GET_FEED, f"{FEEDS_ENDPOINT}/{quote_segment(parsed.feed)}", {})
        except NotFoundError as error:
            raise OutcomeUnknownError("Amazon no longer knows the feed") from error
        status = feed.get("processingStatus")
        if status in UNPROCESSED:
            return self._accept(parsed)
        if status == "CANCELLED":
            return None
        if status == "DONE" and isinstance(feed.get("resultFeedDocumentId"), str):
            return await self._read_outcome(parsed, feed["resultFeedDocumentId"])
        if status not in PROCESSED:
            raise OutcomeUnknownError("the feed has an unknown processing status")
        return await self._resolve_aborted(command, parsed, feed)

    # ---------------------------------------------------------------------------------------- creation of feeds

    async def _prepare(self, command: ShipOrder) -> Parcel | Outcome | ChannelError:
        try:
            order = await self._fetch_order(command)
        except ChannelError as error:
            return error
        return _refuse_unknown_order() if order is None else build_parcel(command, order)

    async def _submit_feed(self, parcels: Sequence[Parcel]) -> Sequence[Outcome | ChannelError]:
        now = self._context.now()
        try:
            document = await self._documents.upload(build_envelope(parcels, self._config.seller_id, now))
            body = {
                "feedType": FEED_TYPE,
                "marketplaceIds": list(self._config.marketplace_ids[:25]),
                "inputFeedDocumentId": document,
            }
            feed = _read_feed_id(await self._client.submit(CREATE_FEED, FEEDS_ENDPOINT, {}, body))
        except ChannelError as error:
            return [error for _ in parcels]
        tickets = [
            FeedTicket(feed, number, parcel.lines, parcel.shipped_before) for number, parcel in enumerate(parcels, 1)
        ]
        return [self._accept(ticket) for ticket in tickets]

    def _accept(self, ticket: FeedTicket) -> Accepted:
        return Accepted(ticket=str(ticket), look_after=self._context.now() + POLL_INTERVAL)

    async def _fetch_order(self, command: ShipOrder) -> OrderDispatch | None:
        """Return the order in its current state; None if it does not exist."""
        query = {"includedData": "FULFILLMENT,PACKAGES"}
        try:
            answer = await self._client.call(GET_ORDER, f"{ORDERS_PATH}/{quote_segment(command.subject.id)}", query)
            order = get_object(answer, "order")
            if get_text(order, "orderId") != command.subject.id:
                raise InvalidValueError("orderId", "is another order")
            return OrderDispatch.parse(order)
        except NotFoundError:
            return None
        except InvalidValueError as error:
            raise ContractError(f"the response of {GET_ORDER.name}: {error}") from error

    # ---------------------------------------------------------------------------------------- outcome of feeds

    async def _read_outcome(self, ticket: FeedTicket, document: str) -> Outcome:
        code = (await self._fetch_report(ticket.feed, document)).get(ticket.message)
        return Done() if code is None else Refused(code=code, message="Amazon rejected the shipment")

    async def _fetch_report(self, feed: str, document: str) -> Mapping[int, str]:
        """Return error codes by message. A report is cached: it may be read once in 45 seconds."""
        async with self._report_lock:
            if feed not in self._reports:
                errors = parse_errors(await self._documents.fetch(document))
                self._reports = dict([*self._reports.items(), (feed, errors)][-MAX_CACHED_REPORTS:])
            return self._reports[feed]

    async def _resolve_aborted(self, command: ShipOrder, ticket: FeedTicket, feed: Shape) -> Outcome | None:
        """Resolve a feed without a report: some, all or no parcels may have been processed, which the order shows with
        a delay.
        """
        order = await self._fetch_order(command)
        if order is None:
            return _refuse_unknown_order()
        shipped_since = [order.shipped.get(id, 0) - ticket.shipped_before.get(id, 0) for id in ticket.lines]
        if all(shipped >= units for shipped, units in zip(shipped_since, ticket.lines.values(), strict=True)):
            return Done()
        if any(shipped_since):
            raise OutcomeUnknownError("some of the units have been shipped, and not all")
        return self._accept(ticket) if self._is_fresh(feed) else self._retry_once(command)

    def _retry_once(self, command: ShipOrder) -> Refused | None:
        """Retry once: another parcel may have caused the feed to be aborted. The second time, refuse this one."""
        if command.key not in self._aborted_keys:
            self._aborted_keys.add(command.key)
            return None
        self._aborted_keys.discard(command.key)
        return Refused(code="FATAL", message="Amazon aborted the feed, and no units of this shipment have been shipped")

    async def _resolve_lost(self, command: ShipOrder) -> Outcome | None:
        """Find out whether a feed with this shipment exists. None: no order shows it, and no feed in process can
        contain it.
        """
        order = await self._fetch_order(command)
        if order is None:
            return _refuse_unknown_order()
        if command.tracking_number in order.tracking_numbers:
            return Done()
        parcel = build_parcel(command, order)
        if isinstance(parcel, Done | Refused) and parcel != NOT_ENOUGH_UNITS:
            return parcel
        partly = any(order.shipped.values()) and (not command.tracking_number or not order.tracking_numbers)
        if not isinstance(parcel, Parcel) or partly:
            raise OutcomeUnknownError("some of the order has been shipped, and it is unknown whether this shipment has")
        if await self._has_open_feed():
            raise OutcomeUnknownError("a feed that may contain this shipment is being processed")
        return None

    async def _has_open_feed(self) -> bool:
        waiting = await self._list_feeds({"processingStatuses": ",".join(UNPROCESSED)})
        if waiting:
            return True
        since = {"createdSince": format_instant(self._context.now() - FEED_LOOKBACK)}
        return any(self._is_fresh(feed) for feed in await self._list_feeds(since))

    async def _list_feeds(self, query: Mapping[str, str]) -> Sequence[Shape]:
        answer = await self._client.call(
            GET_FEEDS, FEEDS_ENDPOINT, {"feedTypes": FEED_TYPE, "pageSize": "100", **query}
        )
        if get_value(answer, "nextToken"):
            raise OutcomeUnknownError("too many feeds to identify the one with this shipment")
        try:
            return get_optional_objects(answer, "feeds")
        except InvalidValueError as error:
            raise ContractError(f"the response of {GET_FEEDS.name}: {error}") from error

    def _is_fresh(self, feed: Shape) -> bool:
        """Whether the effect of the feed may not be visible yet."""
        try:
            ended = get_instant(
                feed, "processingEndTime" if get_optional_text(feed, "processingEndTime") else "createdTime"
            )
        except InvalidValueError as error:
            raise ContractError(f"a feed has no valid time of creation or end: {error}") from error
        return self._context.now() < ended + MAX_VISIBILITY_DELAY


def _read_feed_id(answer: Shape) -> str:
    try:
        return get_text(answer, "feedId")
    except InvalidValueError as error:
        raise OutcomeUnknownError(f"the response of {CREATE_FEED.name} has no feed ID") from error


def _refuse_unknown_order() -> Refused:
    return Refused(code="NOT_FOUND", message="the account has no such order")
