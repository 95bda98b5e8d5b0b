"""Copies of worlds after their first sync: a world like one that was opened before begins where that sync ended.

The first sync takes most of the time of opening a gateway, and for equal stores and settings its result is the same. A
copy is of a sync that ran in this session. It is used

- once in a test at most, and not in the test that made it: two worlds of one test never have the data of one sync,
- only for a database that is migrated and empty,
- neither while product code is patched, nor for channels with faults, nor by `make torture`.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from gateway.sdk.testing.memory_store import MemoryStore
from tests.database_copies import DatabaseCopy, copy_database

UNRELATED = frozenset({"database", "login", "tokens"})
"""Tables of the configuration that no sync depends on."""

MAX_COPIES = 60
"""Copies in memory, of about a megabyte each: tests of the same world run one after the other."""

DERIVED = ("__slotnames__", "__strawberry_", "_generated_")
"""Beginnings of names that libraries add to a class when it is first used."""


@dataclass(frozen=True, slots=True)
class SyncedWorld:
    """A world after its first sync: its database, and the pickled states of its stores."""

    database: DatabaseCopy
    states: bytes


@dataclass
class SyncedWorlds:
    """The copies of this process.

    Attributes:
        product: what `list_product_values` returned before anything was patched; None: nothing is copied.
        is_available: no copy was used or made in this test.
    """

    product: list[tuple[ModuleType | type, dict[str, Any]]] | None = None
    is_available: bool = False
    _worlds: dict[bytes, SyncedWorld] = field(default_factory=dict)

    def identify(self, url: str, stores: Mapping[str, MemoryStore], document: Mapping[str, Any]) -> bytes | None:
        """Return what the result of the first sync depends on, or None if the world is not to be copied."""
        if self.product is None or any(store._rules for store in stores.values()) or self._is_patched():
            return None
        tables = {name: table for name, table in document.items() if name not in UNRELATED}
        return _serialize((url.partition(":")[0], tables, list(stores), _get_states(stores)))

    async def restore(self, key: bytes | None, url: str, stores: Mapping[str, MemoryStore]) -> bool:
        """Bring a world to the end of its first sync. Return False if that has to run."""
        world = self._worlds.get(key or b"")
        if world is None or not self.is_available or not await world.database.restore(url):
            return False
        self.is_available = False
        for store, state in zip(stores.values(), pickle.loads(world.states), strict=True):
            vars(store).update(state)
        return True

    async def copy(self, key: bytes | None, url: str, stores: Mapping[str, MemoryStore]) -> None:
        """Copy a world whose first sync has ended."""
        if key is not None and key not in self._worlds and (states := _serialize(_get_states(stores))) is not None:
            self._worlds[key], self.is_available = SyncedWorld(await copy_database(url), states), False
            while len(self._worlds) > MAX_COPIES:
                del self._worlds[next(iter(self._worlds))]

    def _is_patched(self) -> bool:
        return any(
            vars(owner) != names and _strip_derived(vars(owner)) != _strip_derived(names)
            for owner, names in self.product or ()
        )


def list_product_values() -> list[tuple[ModuleType | type, dict[str, Any]]]:
    """List the modules and classes of the product, with what their names stand for."""
    modules = [module for name, module in sys.modules.items() if name.startswith("gateway")]
    classes = [value for module in modules for value in vars(module).values() if _is_class_of(module, value)]
    return [(owner, dict(vars(owner))) for owner in (*modules, *classes)]


def _is_class_of(module: ModuleType, value: Any) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _strip_derived(names: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what libraries add, and modules, which a package gets when they are first loaded."""
    return {
        name: value for name, value in names.items() if not (name.startswith(DERIVED) or isinstance(value, ModuleType))
    }


def _get_states(stores: Mapping[str, MemoryStore]) -> list[dict[str, Any]]:
    return [{name: value for name, value in vars(store).items() if name != "_lock"} for store in stores.values()]


def _serialize(value: Any) -> bytes | None:
    """Serialize a value, if that is possible: scheduled changes of a store are not, nor are plugins in settings."""
    try:
        return pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None


SYNCED_WORLDS = SyncedWorlds()
