"""What a query runs in: the gateway, the caller, and the loads of this one request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from aiodataloader import DataLoader

from gateway.execution.caller import Caller, Scopes
from gateway.execution.errors import AnswerTooLargeError, BadUserInputError
from gateway.execution.keeping import Keeping
from gateway.execution.registry import Registry
from gateway.model.channels import Channel, Fault, Location, Resource
from gateway.sdk.policies import Prices
from gateway.sdk.records import Ref
from gateway.settings import Settings
from gateway.storage.database import Connection, Database

P = ParamSpec("P")
T = TypeVar("T")

Batch = Callable[..., Awaitable[Sequence[Any]]]
"""`async def batch(context, keys, **arguments)`: a value for each key, or the exception that this key fails with."""

MOST_FIELDS = 100_000
"""Of one answer. They take a second or two in which nobody else is answered."""

LOADED = 5
"""How many plain fields cost as much as one that is waited for."""


class Place(Protocol):
    """Where a request stands among all that are worked on."""

    def apart(self) -> AbstractContextManager[None]: ...
    async def stand_back(self) -> None: ...


class Alone:
    """The place of a request that nobody is beside."""

    def apart(self) -> AbstractContextManager[None]:
        return nullcontext()

    async def stand_back(self) -> None:
        return None


class Gateway(Protocol):
    """What queries need of a running gateway."""

    @property
    def settings(self) -> Settings: ...
    @property
    def database(self) -> Database: ...
    @property
    def channels(self) -> Mapping[str, Channel]: ...
    @property
    def locations(self) -> Mapping[str, Location]: ...
    @property
    def prices(self) -> Prices: ...
    @property
    def leaving(self) -> bool: ...
    @property
    def registry(self) -> Registry: ...
    def now(self) -> datetime: ...
    def stale_after(self, channel: str, resource: Resource) -> timedelta: ...
    def can_refresh(self, channel: str, resource: Resource) -> bool: ...
    async def refresh(
        self, channel: str, resource: Resource, refs: Sequence[Ref], deadline: timedelta
    ) -> Fault | None: ...
    def can_reread(self, channel: str, feed: str, id_: str) -> bool: ...
    def wake(self, channel: str) -> None: ...
    async def ready(self) -> bool: ...


class Context:
    """One request. Its loaders are made when first asked, inside the loop that runs the request.

    Attributes:
        live_faults: what the live reads of this request ran into, by channel.
        fields_left: how many more fields the answer may have.
        tokens: of the carts and orders that the caller has shown to be hers, or was just given, by their ids.
        placed: the orders that this request has placed.
        by_get: it came as a GET.
        keeping: what the answer contains, where it may be kept by caches.
        place: among all requests that are worked on.
        stands_back: others may go first while it reads: it holds nothing that they might wait for.
        request_id: under which the log has what goes wrong.
    """

    def __init__(self, gateway: Gateway, caller: Caller, request_id: str, *, by_get: bool = False) -> None:
        self.gateway = gateway
        self.caller = caller
        self.now = gateway.now()
        self.live_faults: dict[str, Fault] = {}
        self.fields_left = MOST_FIELDS
        self.tokens: dict[str, str] = {}
        self.placed: set[str] = set()
        self.by_get = by_get
        self.keeping = Keeping()
        self.place: Place = Alone()
        self.stands_back = False
        self.request_id = request_id
        self._loaders: dict[Hashable, DataLoader[Any, Any]] = {}
        self._batches: set[asyncio.Task[Any] | None] = set()
        self._is_over = False

    @property
    def own(self) -> Set[str]:
        """What the caller has shown to be hers."""
        return self.tokens.keys()

    @property
    def sees_all_products(self) -> bool:
        return self.caller.may("catalogue:admin")

    @property
    def is_spent(self) -> bool:
        return self.fields_left < 0

    def require(self, scopes: Scopes, about: object = None) -> None:
        """Check that the caller may see this, by her scopes or because it is her own."""
        if not (["self"] in scopes and self.is_own(about)):
            self.caller.require(scopes)

    def is_own(self, about: object) -> bool:
        """Whether this is, or belongs to, something that the caller has shown to be hers."""
        return getattr(about, "order_id", None) in self.own or getattr(about, "id", None) in self.own

    def require_post(self) -> None:
        """Refuse to take a credential, or give one, in what caches, logs and histories keep."""
        if self.by_get:
            raise BadUserInputError("This takes or gives a token: send it with POST.")

    def spend(self, fields: int) -> None:
        """So many fields are about to be answered."""
        self.fields_left -= fields
        if self.is_spent:
            raise AnswerTooLargeError

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` for reading. Before and after it, others may go first."""
        await self._stand_back()
        found = await self.gateway.database.read(work, *args, **kwargs)
        await self._stand_back()
        return found

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(connection, …)` in one transaction."""
        return await self.gateway.database.write(work, *args, **kwargs)

    async def _stand_back(self) -> None:
        if self.stands_back:
            await self.place.stand_back()

    def load(self, batch: Batch, key: Any, **arguments: Any) -> Awaitable[Any]:
        """The batch's value for this key, together with all others that are asked for in the same turn of the loop."""
        self.spend(LOADED)
        name = (batch, frozen(arguments))
        loader = self._loaders.get(name)
        if loader is None:

            async def run(keys: list[Any]) -> list[Any]:
                with self._running():
                    return list(await batch(self, keys, **arguments))

            loader = self._loaders[name] = DataLoader(run, get_cache_key=_itself)  # its own way would refer to itself
        return loader.load(key)

    def apart(self) -> AbstractContextManager[None]:
        """Inside it this request waits for a channel, and computes nothing."""
        return self.place.apart()

    @contextmanager
    def _running(self) -> Iterator[None]:
        if self._is_over:  # it was asked for in the last moment, and nobody waits for it any more
            raise asyncio.CancelledError
        task = asyncio.current_task()
        self._batches.add(task)
        try:
            yield
        finally:
            self._batches.discard(task)

    def give_up(self) -> None:
        """It is over: nobody waits for what is still being loaded, or needs what was."""
        self._is_over = True
        for task in [*self._batches]:
            if task is not None:
                task.cancel()
        self._loaders.clear()  # they refer to this context: what they hold would wait for the garbage collector

    def forget(self) -> None:
        """Something has been written: what is asked for next is read anew."""
        self._loaders.clear()

    async def load_all(self, batch: Batch, keys: Sequence[Any], **arguments: Any) -> list[Any]:
        """The batch's values for these keys; the first exception among them is raised."""
        return [await future for future in [self.load(batch, key, **arguments) for key in keys]]

    def channel(self, key: str | None) -> str:
        """The channel with this key; without one, the caller's default."""
        if key is not None:
            return self.known_channel(key)
        settings = self.gateway.settings
        default = self.caller.channel or settings.stock.default_channel or next(iter(settings.priority()), None)
        if default is None:
            raise BadUserInputError("No channel is configured.")
        return default

    def known_channel(self, key: str) -> str:
        if key not in self.gateway.channels:
            raise BadUserInputError(f"There is no channel {key!r}.")
        return key

    def known_location(self, key: str) -> Location:
        if key not in self.gateway.locations:
            raise BadUserInputError(f"There is no location {key!r}.")
        return self.gateway.locations[key]


def _itself(key: Any) -> Any:
    return key


def frozen(value: Any) -> Hashable:
    """A hashable form of arguments: equal ones are equal, and written alike they are equal."""
    if is_dataclass(value):
        return tuple((field.name, frozen(getattr(value, field.name, None))) for field in fields(value))
    if isinstance(value, Mapping):
        return tuple(sorted((key, frozen(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    return value  # type: ignore[no-any-return]
