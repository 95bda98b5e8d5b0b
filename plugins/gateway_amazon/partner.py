"""The Selling Partner API: one way of asking, for every operation that is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.sdk import (
    Answer,
    AuthError,
    Budget,
    BudgetSpentError,
    Context,
    ContractError,
    CursorExpiredError,
    InvalidValueError,
    OutcomeUnknownError,
    RateLimitedError,
    RejectedError,
    Request,
)
from gateway.sdk.shapes import Shape, optional_text, within
from gateway_amazon.config import AmazonConfig
from gateway_amazon.login import Login, LoginError
from gateway_amazon.shapes import objects

RATE = "x-amzn-ratelimit-limit"
FASTEST = 100_000.0
DENIED = "check that the app has the role for it, and that the account still authorizes the app (Seller Central)"
CODE = re.compile(r"[\w.-]{1,60}")
Query = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, and how often it may be asked by default.

    Attributes:
        token: the parameter that says which page.
        items: where the answer has its list.
        tries: how often it may be sent for one wish; once, where every request is precious.
        repeatable: a try that failed may be repeated; not where it changes something.
    """

    name: str
    budget: Budget
    token: str = ""
    items: tuple[str, ...] = ()
    tries: int = 3
    method: str = "GET"
    repeatable: bool = True


SEARCH_LISTINGS = Operation("searchListingsItems", Budget(capacity=5, per_second=5), "pageToken", ("items",))
GET_LISTING = Operation("getListingsItem", Budget(capacity=10, per_second=5))
FBA_STOCK = Operation(
    "getInventorySummaries", Budget(capacity=2, per_second=2), "nextToken", ("payload", "inventorySummaries")
)
SEARCH_ORDERS = Operation(
    "searchOrders", Budget(capacity=20, per_second=0.0056), "paginationToken", ("orders",), tries=1
)
GET_ORDER = Operation("getOrder", Budget(capacity=30, per_second=0.5))
PATCH_LISTING = Operation("patchListingsItem", Budget(capacity=5, per_second=5), method="PATCH", repeatable=False)
CREATE_DOCUMENT = Operation("createFeedDocument", Budget(capacity=15, per_second=0.5), method="POST")
CREATE_FEED = Operation("createFeed", Budget(capacity=15, per_second=0.0083), method="POST", repeatable=False)
GET_FEEDS = Operation("getFeeds", Budget(capacity=10, per_second=0.0222), tries=1)
GET_FEED = Operation("getFeed", Budget(capacity=15, per_second=2))
GET_DOCUMENT = Operation("getFeedDocument", Budget(capacity=10, per_second=0.0222), tries=1)
OPERATIONS = (
    *(SEARCH_LISTINGS, GET_LISTING, FBA_STOCK, SEARCH_ORDERS, GET_ORDER),
    *(PATCH_LISTING, CREATE_DOCUMENT, CREATE_FEED, GET_FEEDS, GET_FEED, GET_DOCUMENT),
)
"""Source: the usage plans in Amazon's models of these operations, 2026-08."""


class Found(NamedTuple):
    """A page: what it lists, the token of the next one, and all that was answered."""

    items: list[Shape]
    next: str | None
    answer: Shape


class NotFoundError(RejectedError):
    """There is no such thing."""


class SellingPartner:
    """Asks, with a token that is good, at most as often as it may."""

    def __init__(self, config: AmazonConfig, context: Context) -> None:
        self._login = Login(config, context)
        self._http = context.http(config.endpoint, self._login.headers)
        self._context = context
        self._rates: dict[str, float] = {}

    async def search(self, operation: Operation, path: str, query: Query, token: str | None) -> Found:
        """A page of what the operation lists. Raises as `ask`."""
        answer = await self.ask(operation, path, {**query, operation.token: token})
        try:
            if within(answer, *operation.items) is None:
                raise InvalidValueError(".".join(operation.items), "is missing")
            further = optional_text(answer, "pagination", "nextToken")
            found = Found(objects(answer, *operation.items), further, answer)
        except InvalidValueError as error:
            raise ContractError(f"the answer of {operation.name}: {error}") from error
        if found.next is not None and found.next == token:
            raise ContractError(f"{operation.name} names a page as its own next one")
        return found

    async def tell(self, operation: Operation, path: str, query: Query, body: Shape) -> Shape:
        """What it answers to a change. After an answer that cannot be read it may have been made. Raises as `ask`."""
        try:
            return await self.ask(operation, path, query, body)
        except ContractError as error:
            raise OutcomeUnknownError(str(error)) from error

    async def ask(self, operation: Operation, path: str, query: Query, body: Shape | None = None) -> Shape:
        """What it answers, an object.

        Raises:
            NotFoundError, RejectedError, CursorExpiredError: it understood, and refuses.
            ChannelError: as `gateway.sdk.Http` says.
        """
        asked = {name: value for name, value in query.items() if value is not None}
        request = Request(
            method=operation.method,
            path=path,
            query=asked,
            json=body,
            budget=operation.name,
            repeatable=operation.repeatable,
            tries=operation.tries,
        )
        answer = await self._paced(operation, request)
        said = answer.json()
        if answer.status >= 400:
            raise _refusal(operation, answer.status, said, paged=operation.token in asked)
        if not isinstance(said, dict):
            raise ContractError(f"{operation.name} answered with something else than an object")
        return said

    async def _paced(self, operation: Operation, request: Request) -> Answer:
        """The answer; what it says about the operation's rate goes into the budget."""
        try:
            answer = await self._sent(operation, request)
        except BudgetSpentError:
            raise
        except RateLimitedError as error:
            if error.retry_after is not None:
                raise
            await self._context.correct(operation.name, left=0)
            answer = await self._sent(operation, request)  # once one can be paid for; else this feed alone is put off
        told = _rate(answer.headers.get(RATE))
        if told is not None and self._rates.get(operation.name) != told:
            await self._context.correct(operation.name, per_second=told)
            self._rates[operation.name] = told
        return answer

    async def _sent(self, operation: Operation, request: Request) -> Answer:
        """A token that is refused may only be too old: one more is bought, once."""
        for last in (False, True):
            try:
                return await self._http.send(request)
            except LoginError:
                raise
            except AuthError as error:
                self._login.drop()
                if last:
                    raise AuthError(f"{operation.name} is denied to a new access token: {DENIED}") from error
        raise AssertionError("unreachable")


def _rate(said: str | None) -> float | None:
    try:
        rate = float(said or "")
    except ValueError:
        return None
    return rate if 0 < rate <= FASTEST else None


def _refusal(operation: Operation, status: int, said: Any, *, paged: bool) -> RejectedError | CursorExpiredError:
    try:
        first = next(iter(objects(said, "errors")), {})
    except InvalidValueError:
        first = {}
    code, message = first.get("code"), first.get("message")
    known = code if isinstance(code, str) and CODE.fullmatch(code) else f"status {status}"
    if paged and isinstance(message, str) and "token" in message.lower():
        return CursorExpiredError(f"the page token of {operation.name} is no longer good")
    kind = NotFoundError if status == 404 else RejectedError
    return kind(f"{operation.name} is refused: {known}", known)
