"""A small schema of the gateway's own kinds of fields, whose values can be anything, and what its fields return."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, NewType

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.execution.fields import LeanBatch, PartialModel, attribute, bind_resolvers, compute, load, root
from gateway.execution.object_types import output

STAFF = [["staff"]]
OWN = [["self"], ["staff"]]


class Color(Enum):
    RED = "R"
    GREEN = "G"


Even = NewType("Even", int)


def write_even(value: int) -> int | None:
    return value if value % 2 == 0 else None


class Values:
    """An object with any attributes: those without a value are None."""

    def __init__(self, **values: Any) -> None:
        self.__dict__ |= {"id": "1", "name": "teapot", "count": 3, **values}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return None


@dataclass(init=False, eq=False, repr=False)
class Thing(Values):
    """What most fields return."""


class Cat(Values):
    """A pet."""


class Kitten(Cat):
    """A cat whose class is another."""


class Dog(Values):
    """Another pet."""


class Bird(Values):
    """What only staff may see."""


class Shown(Values):
    """What is rendered once for several responses."""


class Level(Values):
    """The stock of something."""


class Safe(Values):
    """What not everyone may see."""


@strawberry.input
class Inner:
    count: int = 7


@strawberry.input
class Filter:
    text: str | None = strawberry.UNSET
    count: int = 7
    inner: Inner | None = strawberry.UNSET
    others: list[Inner] | None = strawberry.UNSET


def write_arguments(**arguments: Any) -> str:
    """Write what a function has received."""
    return json.dumps(arguments, default=_write_input, sort_keys=True)


def _write_input(value: Any) -> Any:
    if isinstance(value, Color):
        return value.name
    return {name: found for name, found in vars(value).items() if found is not strawberry.UNSET}


def write_echo(
    _parent: Any,
    *,
    text: str | None = None,
    number: int = 5,
    flag: bool | None = None,
    color: Color | None = None,
    id: strawberry.ID | None = None,
    words: list[str | None] | None = None,
    numbers: list[int] | None = None,
    filter: Filter | None = None,
) -> str:
    """Return the arguments: those that were not given have the default values."""
    given = {"text": text, "number": number, "flag": flag, "color": color, "id": id, "words": words}
    return write_arguments(**given, numbers=numbers, filter=filter)


def repeat(_parent: Any, *, number: int) -> str:
    return "x" * number


def reject(_parent: Any) -> str:
    raise BadUserInputError("rejected")


def crash(_parent: Any) -> str:
    raise ValueError("crashed")


async def load_things(_context: Context, keys: Sequence[str]) -> Sequence[Any]:
    """Load a thing for each key; `missing`: nothing; `broken`: an error."""
    found: Mapping[str, Any] = {"missing": None, "broken": BadUserInputError("not loaded")}
    return [found[key] if key in found else Thing(id=key, name=f"thing {key}") for key in keys]


PARTIAL_THING = PartialModel(Thing, {"count"}, {"id": (), "name": ()})


async def load_lean_things(_context: Context, keys: Sequence[str]) -> Sequence[Any]:
    """Load things that have an id and a name only."""
    return [Thing(id=key, name=f"lean {key}", count=None) for key in keys]


async def load_partial_things(
    _context: Context, keys: Sequence[str], names: frozenset[str] | None = None
) -> Sequence[Any]:
    """Load things whose name says whether they have all attributes."""
    kind = "thing" if names is None else " and ".join(["partial", *sorted(names)])
    return [Thing(id=key, name=f"{kind} {key}") for key in keys]


async def load_sized(_context: Context, keys: Sequence[str], *, size: int = 1) -> Sequence[list[str]]:
    return [[key] * size for key in keys]


async def load_levels(_context: Context, keys: Sequence[str]) -> Sequence[Level]:
    return [Level(name=f"level {key}") for key in keys]


async def load_made(context: Context, keys: Sequence[str]) -> Sequence[Any]:
    make = context.gateway.results["make"]  # type: ignore[attr-defined]
    return [make() for _ in keys]


async def write_root_echo(
    _context: Context, *, text: str | None = None, number: int = 5, color: Color | None = None
) -> str:
    return write_arguments(text=text, number=number, color=color)


def get_key(thing: Any) -> Any:
    return thing.key


def write_label(parent: Any) -> str:
    return f"label of {parent.name}"


def write_bird_label(parent: Any) -> str:
    return f"bird {parent.name}"


@strawberry.interface
class Named:
    name: str | None = attribute("")
    label: str | None = compute("", write_label)


@output(Cat, "", data=DataKind.CATALOG)
class CatType(Named):
    name: str | None = attribute("")
    label: str | None = compute("", write_label)
    lives: int | None = attribute("")


@output(Dog, "", data=DataKind.PRIVATE)
class DogType(Named):
    name: str | None = attribute("")
    label: str | None = compute("", write_label)
    barks: bool | None = attribute("")
    friend: ThingType | None = load("", load_things, key=get_key)


@output(Bird, "", scopes=STAFF, data=DataKind.STOCK)
class BirdType(Named):
    name: str | None = attribute("")
    label: str | None = compute("", write_bird_label)


@output(Safe, "", scopes=STAFF, data=DataKind.CATALOG)
class SafeType:
    name: str | None = attribute("")


@output(Level, "", data=DataKind.STOCK)
class LevelType:
    name: str | None = attribute("")


Pet = Annotated[CatType | DogType, strawberry.union("Pet")]


@output(Thing, "", data=DataKind.CATALOG, stocked=True)
class ThingType:
    id: strawberry.ID = attribute("")
    name: str | None = attribute("")
    count: int = attribute("")
    number: int | None = attribute("")
    flag: bool | None = attribute("")
    ratio: float | None = attribute("")
    color: Color | None = attribute("")
    amount: Decimal | None = attribute("")
    price: Decimal = attribute("")
    even: Even | None = attribute("")
    text: str | None = attribute("", path="part.name")
    words: list[str | None] | None = attribute("")
    labels: list[str] | None = attribute("")
    sizes: list[int | None] = attribute("")
    codes: list[int] = attribute("")
    grid: list[list[int | None] | None] | None = attribute("")
    part: ThingType | None = attribute("")
    core: ThingType = attribute("")
    parts: list[ThingType | None] | None = attribute("")
    pet: Pet | None = attribute("")
    pets: list[Pet | None] | None = attribute("")
    named: Named | None = attribute("")
    all_named: list[Named | None] | None = attribute("")
    safe: SafeType | None = attribute("")
    secret: str | None = attribute("", scopes=STAFF)
    hidden: str | None = attribute("", scopes=OWN)
    echo: str = compute("", write_echo)
    repeat: str | None = compute("", repeat)
    rejected: str | None = compute("", reject)
    rejected_core: str = compute("", reject)
    crashed: str | None = compute("", crash)
    friend: ThingType | None = load("", load_things, key=get_key)
    partner: ThingType = load("", load_things, key=get_key)
    sized: list[str] | None = load("", load_sized, key=get_key)
    guarded: ThingType | None = load("", load_things, key=get_key, scopes=STAFF)
    guarded_core: ThingType = load("", load_things, key=get_key, scopes=OWN)
    stock: list[str] | None = load("", load_sized, key=get_key, data=DataKind.STOCK)
    own_stock: list[str] | None = load("", load_sized, key=attrgetter("id"), data=DataKind.STOCK)
    level: LevelType | None = attribute("")
    own_level: LevelType | None = load("", load_levels, key=attrgetter("id"))
    lean: ThingType | None = load(
        "", load_things, key=get_key, lean=LeanBatch(load_lean_things, frozenset({"id", "name"}))
    )
    partly: ThingType | None = load("", load_partial_things, key=get_key, partial=PARTIAL_THING)
    made: ThingType | None = load("", load_made, key=get_key)
    nested: str | None = root("", write_root_echo)
    observed: str | None = attribute("", volatile=True)


async def find_thing(context: Context, *, of: str = "thing") -> Any:
    value = context.gateway.results[of]  # type: ignore[attr-defined]
    if isinstance(value, Exception):
        raise value
    return value


async def count_write(context: Context, *, key: str = "a") -> Thing | None:
    """Return a thing whose id counts the writes of its runtime; an empty key: nothing."""
    writes = context.gateway.results["writes"] = context.gateway.results.get("writes", 0) + 1  # type: ignore[attr-defined]
    return Thing(id=f"write {writes}", key=key) if key else None


@output(Shown, "", data=DataKind.CATALOG, stocked=True, rendered=True)
class ShownType:
    id: strawberry.ID = attribute("")
    name: str | None = attribute("")
    echo: str = compute("", write_echo)
    own_stock: list[str] | None = load("", load_sized, key=attrgetter("id"), data=DataKind.STOCK)
    observed: str | None = attribute("", volatile=True)
    apart: list[str] | None = load("", load_sized, key=attrgetter("id"), rendered=False)
    other: ShownType | None = attribute("")


@strawberry.type
class Query:
    __data__ = DataKind.PART
    thing: ThingType | None = root("", find_thing)
    core: ThingType = root("", find_thing)
    things: list[ThingType | None] | None = root("", find_thing)
    cores: list[ThingType] = root("", find_thing)
    guarded: ThingType | None = root("", find_thing, scopes=STAFF)
    pet: Pet | None = root("", find_thing)
    shown: list[ShownType] = root("", find_thing)
    one_shown: ShownType | None = root("", find_thing)
    computed: str = compute("", write_echo)
    echo: str | None = root("", write_root_echo)


@strawberry.type
class Mutation:
    echo: str | None = root("", write_root_echo)
    write: ThingType | None = root("", count_write)
    thing: ThingType | None = root("", find_thing)
    guarded: ThingType | None = root("", find_thing, scopes=STAFF)
    pet: Pet | None = root("", find_thing)
    shown: list[ShownType] = root("", find_thing)


SCALARS: Any = {
    Decimal: strawberry.scalar(name="Decimal", serialize=str, parse_value=Decimal),
    Even: strawberry.scalar(name="Even", serialize=write_even, parse_value=int),
}


@cache
def create_small_schema() -> GraphQLSchema:
    """Build the schema, once per process."""
    schema = strawberry.Schema(
        Query, Mutation, types=[CatType, DogType, BirdType, SafeType], config=StrawberryConfig(scalar_map=SCALARS)
    )
    return bind_resolvers(schema)
