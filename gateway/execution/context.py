"""Execution context of one GraphQL request: the gateway, the caller, and the data loaders."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import fields, is_dataclass
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from aiodataloader import DataLoader
from graphql import GraphQLSchema

from gateway.execution.batch_loader import BatchLoader, CurrentRead
from gateway.execution.caching.cache_control import CachePolicy
from gateway.execution.caller import SCHEMA_SCOPE, Caller, Scopes
from gateway.execution.channel_access import select_selling_channels, select_visible_channels
from gateway.execution.compiler.single_read import LeftReadError, SingleRead
from gateway.execution.errors import (
    AnswerTooLargeError,
    BadUserInputError,
    ForbiddenError,
    UnauthenticatedError,
)
from gateway.execution.query_runtime import QueryRuntime
from gateway.execution.response_size import LOAD_WEIGHT, MAX_RESPONSE_FIELDS
from gateway.execution.write_permit import WritePermit
from gateway.model.channels import Channel, Fault
from gateway.model.documents import DocumentPolicy
from gateway.model.locations import Location
from gateway.storage.database import Connection
from gateway.storage.errors import SnapshotError, StorageUnavailableError
from gateway.storage.read_group import ReadGroups, read_snapshot
from gateway.storage.reads.catalog import Visibility

P = ParamSpec("P")
T = TypeVar("T")

Batch = Callable[..., Awaitable[Sequence[Any]]]
"""`async def batch(context, keys, **arguments)`: returns a value for each key, or the exception that this key fails
with.
"""


class ExecutionSlot(Protocol):
    """The request's share of the process: a slot that it holds while it computes."""

    def release_temporarily(self) -> AbstractContextManager[None]: ...
    async def yield_to_others(self) -> None: ...


class UnlimitedSlot:
    """A slot that is never contended, for callers without limits."""

    def release_temporarily(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def yield_to_others(self) -> None:
        return None


class Context:
    """Execution context of one request. Its data loaders are created on first use, inside the event loop of the
    request.

    Attributes:
        live_faults: faults of the live reads of this request, by channel.
        fields_left: how many more fields the response may have.
        tokens: tokens of carts and orders that the caller has presented or just received, by the id of the cart or
            order.
        placed_order_ids: orders that this request has placed, or has found by the token of their cart.
        denials: mutations that were denied for lack of a scope or a token, with the code of the error.
        issued_secrets: secrets of tokens that this request has created or rotated, by the id of the token.
        by_get: whether the request is a GET.
        slot: the request's slot in the admission queue.
        can_yield: whether other requests may go first while this one reads. It is true for queries: they hold no locks.
        write_permit: whether the operation may still begin to write.
        request_id: id of the HTTP request, under which the log has its errors.
        document_policy: policy of the persisted document that is executed.
        schema: the schema in which the operation is executed.
        client_key: what limits of the client are counted by: the name of its token, or its network.
        network: the network that the request comes from, /24 of IPv4 and /64 of IPv6; empty: not known.
        guest_ids: orders that a guest was found to know; their personal data stays hidden.
        identity_id: of a shopper, the identity whose part of a customer the response may show; None: another caller.
        home: of a shopper, the customer id that was minted with this identity.
        own_ids: orders, carts and customers that loaders have found to be the shopper's own (rule C7).
        used_once: fields that the HTTP request has used and may use only once.
        retry_after: seconds after which the client may try again what this request was refused.
        storage_error: why the database could not be used for a field; None: it could.
        root_results: results of root fields that are known already, or their exceptions, by response name.
        generation: that of the changes seen before the operation loads anything; None: they were not followed.
        plan_error: why the compiled function of the operation was left; None: it was not.
    """

    def __init__(
        self,
        gateway: QueryRuntime,
        caller: Caller,
        request_id: str,
        *,
        by_get: bool = False,
        client_key: str = "",
        network: str = "",
        used_once: set[str] | None = None,
    ) -> None:
        self.gateway = gateway
        self.caller = caller
        self.now = gateway.now()
        self.live_faults: dict[str, Fault] = {}
        self.fields_left = MAX_RESPONSE_FIELDS
        self.tokens: dict[str, str] = {}
        self.placed_order_ids: set[str] = set()
        self.issued_secrets: dict[str, str] = {}
        self.denials: list[tuple[str, str]] = []
        self.by_get = by_get
        self.slot: ExecutionSlot = UnlimitedSlot()
        self.can_yield = False
        self.write_permit = WritePermit()
        self.request_id = request_id
        self.client_key = client_key
        self.document_policy: DocumentPolicy | None = None
        self.schema: GraphQLSchema | None = None
        self.network = network
        self.guest_ids: set[str] = set()
        self.identity_id, self.home = caller.identity_id, caller.home
        self.own_ids: set[str] = set()
        self.used_once: set[str] = set() if used_once is None else used_once
        self.retry_after: int | None = None
        self.storage_error: StorageUnavailableError | None = None
        self.root_results: dict[str, Any] = {}
        self.generation: int | None = None
        self.plan_error: Exception | None = None
        self._loaders: dict[Hashable, BatchLoader] = {}
        self._key_loaders: dict[Hashable, DataLoader[Any, Any]] = {}
        self._starting: set[object] = set()
        self._current = CurrentRead()
        self._batches: set[asyncio.Task[Any] | None] = set()
        self._credential_checks: set[asyncio.Event] = set()
        self._is_closed = False

    @cached_property
    def cache_policy(self) -> CachePolicy:
        """Cache policy of the response. It is complete for a GET only."""
        return CachePolicy()

    @property
    def owned_ids(self) -> Set[str]:
        """Ids of carts and orders whose token the caller has presented, and of what is the shopper's own."""
        return self.tokens.keys() | self.own_ids if self.own_ids else self.tokens.keys()

    def accept_login(self, identity_id: str, home: str) -> None:
        """Let the response show what belongs to a shopper, whose login the request has proved."""
        self.identity_id, self.home = identity_id, home
        self.clear_loaders()

    def accept_own(self, id_: str) -> None:
        """Let a shopper read this order, cart or customer, and what belongs to it."""
        self.own_ids.add(id_)

    def accept_token(self, id_: str, token: str) -> None:
        """Let the caller read what belongs to this cart or order, whose token it has presented or just received."""
        self.tokens[id_] = token
        self._forget_hidden(id_)

    def accept_guest(self, id_: str) -> None:
        """Let the caller read this order as a guest."""
        self.guest_ids.add(id_)
        self._forget_hidden(id_)

    def _forget_hidden(self, id_: str) -> None:
        """Discard what another field has loaded of this cart or order while the caller could not see it: nothing."""
        for loader in self._loaders.values():
            loader.clear(id_)
        for key_loader in self._key_loaders.values():
            key_loader.clear(id_)

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        """The channels that the caller sees, by key, in the order of the configuration."""
        return select_visible_channels(self.caller, self.gateway.settings, self.gateway.channels)

    @cached_property
    def selling_channels(self) -> frozenset[str]:
        """Keys of the channels in which the caller may have a cart."""
        return select_selling_channels(self.caller, self.channels)

    @cached_property
    def visibility(self) -> Visibility:
        """What the caller sees of the catalog."""
        sees_all = len(self.channels) == len(self.gateway.channels)
        return Visibility(
            self.caller.has_scope("catalogue:admin"),
            channels=None if sees_all else tuple(self.channels),
            configured=tuple(self.gateway.channels) if self.gateway.removed_channels else None,
        )

    @property
    def may_see_schema(self) -> bool:
        """Whether messages to the caller may name what is in the schema."""
        return self.gateway.settings.server.exposes_schema or self.caller.has_scope(SCHEMA_SCOPE)

    @property
    def is_exhausted(self) -> bool:
        return self.fields_left < 0

    def require(self, scopes: Scopes, about: object = None) -> None:
        """Check that the caller may read this, by its scopes or because it presented the token.

        Raises:
            UnauthenticatedError: the caller has no token.
            ForbiddenError: the caller's token lacks a scope.
        """
        if not (["self"] in scopes and self.is_own(about)):
            self.caller.require(scopes)

    def require_visible(self, scopes: Scopes, about: object) -> None:
        """Check that the caller may see this object, at least as a guest. Raises as `require`."""
        if not (["self"] in scopes and self.is_known_to_guest(about)):
            self.require(scopes, about)

    def is_hidden_from_guest(self, scopes: Scopes, about: object) -> bool:
        """Whether a field of this object is null for the caller, who knows the order as a guest only."""
        is_guarded = ["self"] in scopes and self.is_known_to_guest(about)
        return is_guarded and not self.is_own(about) and not self.caller.has_scopes(scopes)

    def is_known_to_guest(self, about: object) -> bool:
        """Whether this is, or belongs to, an order whose number and email address the caller has given."""
        return getattr(about, "order_id", None) in self.guest_ids or getattr(about, "id", None) in self.guest_ids

    @property
    def has_own_objects(self) -> bool:
        """Whether the caller may have objects of its own: it is a shopper, has presented a token of a cart or an order,
        or has found an order as a guest.
        """
        return bool(self.tokens or self.guest_ids) or self.identity_id is not None

    def require_first_use(self, field: str) -> None:
        """Reject a second use of a field in one HTTP request: in aliases or a batch it would be a way to guess."""
        if field in self.used_once:
            raise BadUserInputError(f"{field} can be used once per request.")
        self.used_once.add(field)

    def is_own(self, about: object) -> bool:
        """Whether this is, or belongs to, a cart or order whose token the caller has presented, or is the shopper's."""
        owners = (getattr(about, name, None) for name in ("id", "order_id", "customer_id"))
        return any(owner in self.owned_ids for owner in owners)

    def add_failure(self, error: Exception) -> None:
        """Note that the database could not be used for a field: then nothing of the response is sent."""
        cause = getattr(error, "original_error", None) or error
        if isinstance(cause, StorageUnavailableError):
            self.storage_error = cause

    def add_denial(self, action: str, error: Exception) -> None:
        """Note a mutation that failed because the caller lacks a scope or a token."""
        cause = getattr(error, "original_error", None) or error
        if isinstance(cause, ForbiddenError | UnauthenticatedError):
            self.denials.append((action, cause.code.name))

    def count_refusal(self, action: str, code: str) -> None:
        """Count a refusal of a client without a token. It is not listed, or such clients could fill a table."""
        self.gateway.refusals.count(self.client_key, action, code)

    def require_post(self) -> None:
        """Reject a GET that contains or returns a credential: caches, logs and browser histories store URLs and
        responses.
        """
        if self.by_get:
            raise BadUserInputError("This field takes or returns a token. Send the request with POST.")

    def spend(self, fields: int) -> None:
        """Count fields of the response.

        Raises:
            AnswerTooLargeError: the response has too many fields.
        """
        self.fields_left -= fields
        if self.is_exhausted:
            raise AnswerTooLargeError

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` in a read transaction; in a query, with other reads that begin at the same time.

        Before and after it, a query yields to others.
        """
        if self._current.single_read is not None:
            return self._current.single_read.execute(lambda conn: work(conn, *args, **kwargs))
        if not self.can_yield:
            return await self.gateway.database.read(work, *args, **kwargs)
        return await self._read_groups.read(lambda conn: work(conn, *args, **kwargs))

    async def read_once(self, function: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run an asynchronous function in a single read: it reads with one connection, in one snapshot (rule E7).

        It runs anew if the connection is lost; and in the event loop, if a statement has failed, or if it has to wait
        for anything else: in a thread, asyncio raises a RuntimeError then. Before and after it, the query yields to
        others.

        Raises:
            Exception: what the function raises.
        """
        await self._yield_to_others()
        variables = copy_context()  # the log has the id of the request
        try:
            return await read_snapshot(
                self.gateway.database, lambda conn: variables.run(self._run_once, conn, function)
            )
        except (LeftReadError, SnapshotError, RuntimeError):
            return await function()
        finally:
            await self._yield_to_others()

    def _run_once(self, conn: Connection, function: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a function in a single read. Calls that have not ended after an error are forgotten."""
        self._current.single_read = single_read = SingleRead(conn)
        try:
            return single_read.run(function())
        finally:
            self._current.single_read = None
            for loader in [*self._loaders.values()]:
                loader.abandon_calls()

    @cached_property
    def _read_groups(self) -> ReadGroups:
        return ReadGroups(self.gateway.database, self._yield_to_others, self._starting)

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` in one write transaction."""
        if self._current.single_read is not None:
            self._current.single_read.leave()
        return await self.gateway.database.write(work, *args, **kwargs)

    async def _yield_to_others(self) -> None:
        await self.slot.yield_to_others()

    def load(self, batch: Batch, key: Any, **arguments: Any) -> Awaitable[Any]:
        """Load the value of this key. Keys that are loaded in the same iteration of the event loop share one call of
        the batch function.
        """
        self.spend(LOAD_WEIGHT)
        if self._current.single_read is not None:
            return self._load_one(batch, key, arguments)
        return self._get_key_loader(batch, arguments).load(key)

    async def _load_one(self, batch: Batch, key: Any, arguments: Mapping[str, Any]) -> Any:
        (value,) = await self.get_loader(batch, arguments).load_many([key])
        return value

    async def wait_for_all(self, calls: Sequence[Coroutine[Any, Any, T]]) -> list[T | BaseException]:
        """Wait for the results of all calls, or their exceptions. In a single read they run one after the other."""
        if self._current.single_read is None and len(calls) != 1:
            return await asyncio.gather(*calls, return_exceptions=True)
        try:
            return [await _get_result(call) for call in calls]
        finally:
            for call in calls:
                call.close()

    def _get_key_loader(self, batch: Batch, arguments: Mapping[str, Any]) -> DataLoader[Any, Any]:
        """Return a loader of single keys, for the reference executor."""
        name = (batch, freeze(arguments))
        if name not in self._key_loaders:
            loader = self.get_loader(batch, arguments)
            # the default method of the cache key would create a reference cycle
            self._key_loaders[name] = DataLoader(loader.collect, get_cache_key=_get_cache_key)
        return self._key_loaders[name]

    async def load_all(self, batch: Batch, keys: Sequence[Any], **arguments: Any) -> list[Any]:
        """Load the values of these keys. Raises the first exception among them."""
        self.spend(LOAD_WEIGHT * len(keys))
        return await self.get_loader(batch, arguments).load_many(keys)

    async def load_each(self, batch: Batch, keys: Sequence[Any]) -> list[Any]:
        """Load the values of these keys. The value of a key that failed is its exception."""
        self.spend(LOAD_WEIGHT * len(keys))
        return await self.get_loader(batch, {}).collect(keys)

    def get_loader(self, batch: Batch, arguments: Mapping[str, Any]) -> BatchLoader:
        """Return the loader of a batch function and its arguments. It keeps what it has loaded, errors too."""
        name = (batch, freeze(arguments))
        loader = self._loaders.get(name)
        if loader is None:

            async def call(keys: list[Any]) -> Sequence[Any]:
                with self._track_batch():
                    return await self.call_batch(batch, keys, arguments)

            loader = self._loaders[name] = BatchLoader(call, self._starting, self._current)
        return loader

    @contextmanager
    def check_credential(self) -> Iterator[None]:
        """Let loads wait until the `with` statement has checked a token or what a guest knows: it may open what they
        load, and no response may depend on which of them is faster.
        """
        ended = asyncio.Event()
        self._credential_checks.add(ended)
        try:
            yield
        finally:
            self._credential_checks.discard(ended)
            ended.set()

    async def call_batch(self, batch: Batch, keys: list[Any], arguments: Mapping[str, Any]) -> Sequence[Any]:
        """Call a batch function. Every load of the request is part of such a call."""
        for ended in [*self._credential_checks]:
            await ended.wait()
        return await batch(self, keys, **arguments)

    def cache_values(self, batch: Batch, values: Mapping[Any, Any]) -> None:
        """Cache values of a batch function without arguments that another one has loaded, unless it has them."""
        self.get_loader(batch, {}).cache_values(values)

    def release_slot(self) -> AbstractContextManager[None]:
        """Release the slot inside the `with` statement, where the request waits for a channel and does not compute."""
        return self.slot.release_temporarily()

    @contextmanager
    def _track_batch(self) -> Iterator[None]:
        if self._is_closed:  # a field requested it at the last moment, and no one awaits the result
            raise asyncio.CancelledError
        if self._current.single_read is not None:
            yield
            return
        task = asyncio.current_task()
        self._batches.add(task)
        try:
            yield
        finally:
            self._batches.discard(task)

    def close(self) -> None:
        """End the request: cancel batches that still load, and free the loaders."""
        self._is_closed = True
        for task in [*self._batches]:
            if task is not None:
                task.cancel()
        self._read_groups.close()
        self.clear_loaders()  # they refer to this context: the cycle would have to wait for the garbage collector

    def clear_loaders(self) -> None:
        """Discard loaded values after a write, so that the next fields read them again."""
        self._loaders.clear()
        self._key_loaders.clear()

    def resolve_channel(self, key: str | None) -> str:
        """Return the channel with this key. The default is the caller's channel, else that of the configuration."""
        if key is not None:
            return self.require_channel(key)
        default = self.find_default_channel()
        if default is None:
            raise BadUserInputError("No channel is configured, or none that the caller sees.")
        return default

    def can_see_channel(self, key: str) -> bool:
        """Return whether the caller sees what belongs to this channel, which may not be configured any more."""
        return self.visibility.channels is None or key in self.channels

    def find_default_channel(self) -> str | None:
        """Return the caller's channel, else that of the configuration, else the preferred one that the caller sees."""
        settings = self.gateway.settings
        candidates = (self.caller.channel, settings.stock.default_channel, *settings.list_channels_by_priority())
        return next((key for key in candidates if key in self.channels), None)

    def require_channel(self, key: str) -> str:
        if key not in self.channels:
            raise BadUserInputError(f"There is no channel {key!r}.")
        return key

    def require_location(self, key: str) -> Location:
        if key not in self.gateway.locations:
            raise BadUserInputError(f"There is no location {key!r}.")
        return self.gateway.locations[key]


def raise_first(results: Sequence[T | BaseException]) -> list[T]:
    """Return results. Raises the first exception among them."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return cast("list[T]", results)


async def _get_result(call: Awaitable[T]) -> T | BaseException:
    try:
        return await call
    except Exception as error:  # noqa: BLE001 kept as the result
        return error


def _get_cache_key(key: Any) -> Any:
    return key


def freeze(value: Any) -> Hashable:
    """A hashable form of arguments: equal ones are equal, and written alike they are equal."""
    if is_dataclass(value):
        return tuple((field.name, freeze(getattr(value, field.name, None))) for field in fields(value))
    if isinstance(value, Mapping):
        return tuple(sorted((key, freeze(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    return value  # type: ignore[no-any-return]
