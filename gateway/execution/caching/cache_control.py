"""Cache control: how long shared caches may store a response, by the kinds of data it contains and their age.

Every type declares its kind of data, and so does a field whose kind differs from that of its type. A type without a
declaration is private, so that new types are private by default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum

from graphql import GraphQLObjectType

from gateway.model.channels import Resource


class DataKind(Enum):
    """A kind of data, by how caches may store it."""

    CATALOG = Resource.PRODUCTS
    STOCK = Resource.STOCK
    PART = "stored as long as the object that it is a part of"
    PRIVATE = "personal, or true at this moment only"


class CachePolicy:
    """Kinds of data in a response, collected during execution.

    Attributes:
        added_kinds: those that no field declares, but its arguments cause.
        stale_by: when the first resource becomes stale, by which ages of data; None: that was not computed yet.
        is_uncacheable: whether the process must not cache the response: it depends on the caller, on the time, or on
            data without an entry of the change log.
    """

    def __init__(self) -> None:
        self.added_kinds: set[DataKind] = set()
        self.is_uncacheable = False
        self.stale_by: tuple[object, datetime | None] | None = None
        self._kinds: set[DataKind] = set()
        self._seen: set[tuple[str, tuple[str, ...]]] = set()
        self._stale_at: datetime | None = None

    def add_kind(self, data: DataKind) -> None:
        """Record that the response depends on data of this kind, because of its arguments."""
        self.added_kinds.add(data)
        self._kinds.add(data)

    def add_fields(self, parent: GraphQLObjectType, names: Iterable[str], value: object) -> None:
        """Record fields of an object that are in the response."""
        stale_at = getattr(value, "stale_at", None)
        if stale_at is not None:
            self._stale_at = min(stale_at, self._stale_at or stale_at)
        selection = (parent.name, tuple(names))
        if selection not in self._seen:
            self._seen.add(selection)
            self._kinds.update(get_data_kinds(parent, selection[1]))

    @property
    def is_shared(self) -> bool:
        """Whether shared caches may store the response."""
        return DataKind.PRIVATE not in self._kinds and bool(self._kinds - {DataKind.PART})

    def get_resources(self) -> set[Resource]:
        """Return the resources of channels that the response depends on."""
        return {data.value for data in self._kinds if isinstance(data.value, Resource)}

    def compute_max_age(
        self, now: datetime, max_ages: Mapping[DataKind, timedelta], stale_at: datetime | None
    ) -> timedelta:
        """Compute the maximum age: the shortest of the kinds in the response, but not beyond the time at which data
        becomes stale.
        """
        fresh = [end - now for end in (stale_at, self._stale_at) if end is not None]
        return max(timedelta(0), min([*(max_ages[data] for data in self._kinds if data in max_ages), *fresh]))


def get_data_kinds(parent: GraphQLObjectType, names: Iterable[str]) -> set[DataKind]:
    """Return the kinds of data of these fields of a type."""
    if "strawberry-definition" not in parent.extensions:
        return {DataKind.PRIVATE}  # introspection
    type_kind = getattr(parent.extensions["strawberry-definition"].origin, "__data__", DataKind.PRIVATE)
    fields = [parent.fields[name] for name in names if name in parent.fields]
    return {type_kind, *(field.extensions["strawberry-definition"].metadata["data"] or type_kind for field in fields)}
