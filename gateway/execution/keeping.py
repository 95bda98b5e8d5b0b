"""How long an answer may be kept by caches that everybody shares: by what it contains, and by the age of that.

Every type says what kind of data it is, and a field where it is another kind than its type. A type that says nothing
is not kept: what is added later is private until somebody decides otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum

from graphql import GraphQLObjectType

from gateway.model.channels import Resource


class Data(Enum):
    """A kind of data, by how it may be kept."""

    CATALOG = Resource.PRODUCTS
    STOCK = Resource.STOCK
    PART = "as long as what it is a part of"
    UNKEPT = "personal, or only true now"


class Keeping:
    """What an answer turns out to contain, as it is made."""

    def __init__(self) -> None:
        self._found: set[Data] = set()
        self._seen: set[tuple[str, tuple[str, ...]]] = set()
        self._stale_at: datetime | None = None

    def note(self, data: Data) -> None:
        """The answer depends on data of this kind."""
        self._found.add(data)

    def see(self, parent: GraphQLObjectType, names: Iterable[str], value: object) -> None:
        """These fields of this object are in the answer."""
        stale_at = getattr(value, "stale_at", None)
        if stale_at is not None:
            self._stale_at = min(stale_at, self._stale_at or stale_at)
        place = (parent.name, tuple(names))
        if place not in self._seen:
            self._seen.add(place)
            self._found.update(kinds_of(parent, place[1]))

    @property
    def is_shared(self) -> bool:
        """Whether caches may keep the answer at all."""
        return Data.UNKEPT not in self._found and bool(self._found - {Data.PART})

    def resources(self) -> set[Resource]:
        """What of the channels the answer depends on."""
        return {data.value for data in self._found if isinstance(data.value, Resource)}

    def lasts(self, now: datetime, longest: Mapping[Data, timedelta], stale_at: datetime | None) -> timedelta:
        """How long it may be kept: as long as its kinds last, and no longer than it is fresh."""
        fresh = [end - now for end in (stale_at, self._stale_at) if end is not None]
        return max(timedelta(0), min([*(longest[data] for data in self._found if data in longest), *fresh]))


def kinds_of(parent: GraphQLObjectType, names: Iterable[str]) -> set[Data]:
    """The kinds of data that these fields of a type are."""
    if "strawberry-definition" not in parent.extensions:
        return {Data.UNKEPT}  # introspection
    own = getattr(parent.extensions["strawberry-definition"].origin, "__data__", Data.UNKEPT)
    fields = [parent.fields[name] for name in names if name in parent.fields]
    return {own, *(field.extensions["strawberry-definition"].metadata["data"] or own for field in fields)}
