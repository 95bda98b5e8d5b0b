"""Client of the Selling Partner API: calls operations within their rate limits."""

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
from gateway.sdk.json_access import Shape, get_optional_text, get_value
from gateway_amazon.auth import AccessTokenProvider, LoginError
from gateway_amazon.config import AmazonConfig
from gateway_amazon.json_values import get_optional_objects

RATE_HEADER = "x-amzn-ratelimit-limit"
MAX_RATE = 100_000.0
ACCESS_ADVICE = "check that the app has the role for it, and that the account still authorizes the app (Seller Central)"
ERROR_CODE = re.compile(r"[\w.-]{1,60}")
Query = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, with its default rate.

    Attributes:
        token: Query parameter of the page token.
        items: Path of the list in the response.
        tries: Maximum number of attempts of one call; 1 where the rate is too low to retry.
        repeatable: Whether a failed attempt may be repeated; False if the operation changes something.
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


class ResultPage(NamedTuple):
    """A page of results: its items, the token of the next page, and the whole response body."""

    items: list[Shape]
    next: str | None
    body: Shape


class NotFoundError(RejectedError):
    """The resource does not exist."""


class AmazonClient:
    """Sends authorized requests to the Selling Partner API, within the rate limit of each operation."""

    def __init__(self, config: AmazonConfig, context: Context) -> None:
        self._tokens = AccessTokenProvider(config, context)
        self._http = context.http(config.endpoint, self._tokens.get_headers)
        self._context = context
        self._rates: dict[str, float] = {}

    async def fetch_page(self, operation: Operation, path: str, query: Query, token: str | None) -> ResultPage:
        """Return a page of a list operation. Raises as `call`."""
        body = await self.call(operation, path, {**query, operation.token: token})
        try:
            if get_value(body, *operation.items) is None:
                raise InvalidValueError(".".join(operation.items), "is missing")
            next_token = get_optional_text(body, "pagination", "nextToken")
            page = ResultPage(get_optional_objects(body, *operation.items), next_token, body)
        except InvalidValueError as error:
            raise ContractError(f"the response of {operation.name}: {error}") from error
        if page.next is not None and page.next == token:
            raise ContractError(f"{operation.name} returned its own token as that of the next page")
        return page

    async def submit(self, operation: Operation, path: str, query: Query, body: Shape) -> Shape:
        """Send a change and return the response. Raises as `call`, and `OutcomeUnknownError` if the response is
        unreadable.
        """
        try:
            return await self.call(operation, path, query, body)
        except ContractError as error:
            raise OutcomeUnknownError(str(error)) from error

    async def call(self, operation: Operation, path: str, query: Query, body: Shape | None = None) -> Shape:
        """Call an operation and return the response, an object.

        Raises:
            NotFoundError, RejectedError, CursorExpiredError: Amazon rejected the request.
            ChannelError: As described at `gateway.sdk.Http`.
        """
        parameters = {name: value for name, value in query.items() if value is not None}
        request = Request(
            method=operation.method,
            path=path,
            query=parameters,
            json=body,
            budget=operation.name,
            repeatable=operation.repeatable,
            tries=operation.tries,
        )
        response = await self._send_within_rate(operation, request)
        data = response.json()
        if response.status >= 400:
            raise _make_rejection(operation, response.status, data, paged=operation.token in parameters)
        if not isinstance(data, dict):
            raise ContractError(f"the response of {operation.name} is not an object")
        return data

    async def _send_within_rate(self, operation: Operation, request: Request) -> Answer:
        """Send a request. Apply the rate of the response header to the budget of the operation."""
        try:
            response = await self._send_authorized(operation, request)
        except BudgetSpentError:
            raise
        except RateLimitedError as error:
            if error.retry_after is not None:
                raise
            await self._context.correct(operation.name, left=0)
            response = await self._send_authorized(
                operation, request
            )  # waits until the budget allows it; otherwise only this feed is postponed
        rate = _parse_rate(response.headers.get(RATE_HEADER))
        if rate is not None and self._rates.get(operation.name) != rate:
            await self._context.correct(operation.name, per_second=rate)
            self._rates[operation.name] = rate
        return response

    async def _send_authorized(self, operation: Operation, request: Request) -> Answer:
        """Send a request with an access token. A rejected token may have expired: retry once with a new one."""
        for last in (False, True):
            try:
                return await self._http.send(request)
            except LoginError:
                raise
            except AuthError as error:
                self._tokens.drop_token()
                if last:
                    raise AuthError(f"{operation.name} is denied to a new access token: {ACCESS_ADVICE}") from error
        raise AssertionError("unreachable")


def _parse_rate(text: str | None) -> float | None:
    try:
        rate = float(text or "")
    except ValueError:
        return None
    return rate if 0 < rate <= MAX_RATE else None


def _make_rejection(operation: Operation, status: int, body: Any, *, paged: bool) -> RejectedError | CursorExpiredError:
    try:
        first = next(iter(get_optional_objects(body, "errors")), {})
    except InvalidValueError:
        first = {}
    code, message = first.get("code"), first.get("message")
    reason = code if isinstance(code, str) and ERROR_CODE.fullmatch(code) else f"status {status}"
    if paged and isinstance(message, str) and "token" in message.lower():
        return CursorExpiredError(f"the page token of {operation.name} has expired")
    error_type = NotFoundError if status == 404 else RejectedError
    return error_type(f"{operation.name} was rejected: {reason}", reason)
