"""Checks of the compiler over the small schema: what is wrong with its functions, if anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import orjson
from graphql import Executor, parse

from gateway.execution.compiler import plan
from gateway.execution.compiler.generator import Generator
from tests.conftest import NEVER
from tests.execution.behavior import Behavior
from tests.execution.published_behaviors import list_behaviors
from tests.execution.published_schema import Cat, Dog, Shown, Thing, create_small_schema
from tests.execution.small_engine import (
    Outcome,
    answer,
    create_context,
    describe_expected,
    describe_found,
    execute,
    execute_prepared,
    prepare_anew,
)

Described = tuple[tuple[str, ...], bool, int, bool]

DEPENDENCIES: Mapping[str, Described] = {
    "{ echo }": (("PART",), False, 0, False),
    "{ thing { name } }": (("CATALOG", "PART"), False, 0, False),
    "{ thing { observed } }": (("CATALOG", "PART"), True, 0, False),
    "{ thing { friend { name } } }": (("CATALOG", "PART"), False, 0, False),
    "{ thing { stock } }": (("CATALOG", "PART", "STOCK"), False, 0, True),
    "{ thing { ownStock } }": (("CATALOG", "PART", "STOCK"), False, 1, False),
    "{ thing { ownLevel { name } } }": (("CATALOG", "PART", "STOCK"), False, 1, False),
    "{ thing { friend { level { name } } } }": (("CATALOG", "PART", "STOCK"), False, 0, True),
    "{ thing { level { name } } }": (("CATALOG", "PART", "STOCK"), False, 0, True),
    "{ thing { pet { ... on CatType { name } } } }": (("CATALOG", "PART"), False, 0, False),
    "{ thing { named { label } } }": (("CATALOG", "PART", "STOCK"), False, 0, True),
}
"""What the responses to a document depend on: the kinds of data, whether they change with time, the number of loads on
whose stock they depend, and whether they depend on any stock.
"""

DescribedSite = tuple[tuple[str, ...], tuple[str, ...], bool, bool]

SITES: Mapping[str, Sequence[DescribedSite]] = {
    "{ thing { name } }": [],
    "{ shown { name } }": [((), ("CATALOG",), False, False)],
    "query ($n: Int!) { shown { echo(number: $n) } }": [(("n",), ("CATALOG",), False, False)],
    "{ shown { observed } }": [((), ("CATALOG",), True, False)],
    "{ shown { ownStock } }": [((), ("CATALOG", "STOCK"), False, True)],
    "{ shown { other { name } } }": [((), ("CATALOG",), True, False)],
    "{ shown { apart } }": [((), ("CATALOG",), True, False)],
}
"""The sites of a document whose objects are rendered once: their variables, the kinds of data, whether they change with
time, and whether they depend on any stock.
"""

RENDERED: Mapping[str, bool] = {
    "{ thing { name } }": False,
    "{ shown { name } }": True,
    "{ oneShown { name } }": False,
    "{ oneShown { name } things { made { name } } }": False,
    "mutation { shown { name } }": False,
}
"""Documents, and whether the JSON of objects in the response is cached: that of items of lists, in a query."""

OBJECTS_ONLY: Mapping[str, bool] = {
    "{ thing { name } }": False,
    "{ shown { name } }": True,
    "{ shown { ownStock } }": True,
    "{ shown { observed } }": False,
    "{ shown { name } thing { made { name } } }": False,
}
"""Documents, and whether the response depends on nothing but the objects that are rendered, and on which they are."""

REDUCED: Mapping[str, str] = {
    "{ thing { lean { name __typename } } }": "lean a",
    "{ thing { lean { name number } } }": "thing a",
    "{ thing { lean { name } a: lean { number } } }": "thing a",
    "{ thing { partly { name __typename } } }": "partial a",
    "{ thing { partly { name count } } }": "partial and count a",
    "{ thing { partly { name number } } }": "thing a",
    "{ thing { partly { name } a: partly { count } } }": "partial and count a",
    "{ thing { partly { name } a: partly { number } } }": "thing a",
}
"""Documents, and the name of what they load: by the batch function that loads least, if it has all that is selected."""

MANY, LIMIT, MAX_READ = 500, 10_000, 50
"""Objects of a response, how many fields it may have, and how many objects may be read until it ends."""

LONG = "x" * 50_000
TOO_LARGE: Mapping[str, str] = {"a list": "{ things { name } }", "loaded objects": "{ things { made { name } } }"}


class Recorded(Thing):
    """A thing with a long name that records how often it is read."""

    def __init__(self, reads: list[str]) -> None:
        super().__init__(key="a", reads=reads)
        del self.__dict__["name"]

    @property
    def name(self) -> str:
        self.reads.append(LONG)
        return LONG


class CompilerChecks:
    """The checks. They ask the reference executor once."""

    def __init__(self) -> None:
        self._references: dict[tuple[str, bool], Outcome] = {}

    async def find_fault(self) -> str | None:
        """Find what the compiler does not do as it should; None: it does all."""
        for behavior in list_behaviors():
            if await self._is_otherwise(behavior):
                return behavior.name
        for text, expected in DEPENDENCIES.items():
            if describe_dependencies(text) != expected:
                return f"dependencies of {text}"
        for text, sites in SITES.items():
            if describe_sites(text, tracks=False) != sites or describe_sites(text, tracks=True) != sites:
                return f"rendered sites of {text}"
        for text, is_so in RENDERED.items():
            if is_anything_rendered(text, tracks=True) or is_anything_rendered(text, tracks=False) != is_so:
                return f"caching of rendered sites of {text}"
        for text, is_so in OBJECTS_ONLY.items():
            if generate(text, tracks=False).shows_objects_only != is_so:
                return f"objects of {text}"
        for text, loaded in REDUCED.items():
            if await find_loaded_name(text) != loaded:
                return f"batch function of {text}"
        if await has_wrong_rendering():
            return "rendered objects"
        for name, pet in {"cat": Cat(), "dog": Dog()}.items():
            if await is_uncacheable(pet) != isinstance(pet, Dog):
                return f"caching of a {name}"
        for name, text in TOO_LARGE.items():
            if not 0 < await count_reads(text) <= MAX_READ:
                return f"size of {name}"
        return None

    async def _is_otherwise(self, behavior: Behavior) -> bool:
        """Whether the compiled function does not have a behavior."""
        for by_get in (False, True):
            reference, compiled = await self._get_reference(behavior, by_get), await answer(behavior, 0, by_get=by_get)
            if describe_found(compiled) != describe_expected(behavior) or compiled.is_compiled != behavior.is_compiled:
                return True
            if replace(compiled, is_compiled=False) != replace(reference, is_compiled=False):
                return True
        return False

    async def _get_reference(self, behavior: Behavior, by_get: bool) -> Outcome:
        key = (behavior.name, by_get)
        if key not in self._references:
            self._references[key] = await answer(behavior, NEVER, by_get=by_get)
        return self._references[key]


def describe_dependencies(text: str) -> Described:
    """Describe what the responses to a document depend on."""
    executor = Executor.build(create_small_schema(), parse(text))
    assert not isinstance(executor, list)
    found = plan.generate_function(executor, tracks=False).dependencies
    kinds = tuple(sorted(kind.name for kind in found.kinds))
    return kinds, found.is_volatile, len(found.stock_loads), found.on_any_stock


def describe_sites(text: str, *, tracks: bool) -> list[DescribedSite]:
    """Describe the sites of a document whose objects are rendered once."""
    found = [(site.variables, site.dependencies) for site in generate(text, tracks=tracks).rendered]
    return [
        (tuple(names), tuple(sorted(kind.name for kind in one.kinds)), one.is_volatile, one.on_any_stock)
        for names, one in found
    ]


def is_anything_rendered(text: str, *, tracks: bool) -> bool:
    """Return whether the JSON of an object in the response to a document is cached."""
    return any(site.is_cached for site in generate(text, tracks=tracks).rendered)


def generate(text: str, *, tracks: bool) -> Generator:
    """Write the function of a document."""
    executor = Executor.build(create_small_schema(), parse(text), raw_variable_values={"n": 1})
    assert not isinstance(executor, list)
    return plan.generate_function(executor, tracks=tracks)


async def find_loaded_name(text: str) -> str:
    """Return the name of what a thing loads."""
    behavior = Behavior("lean", text, None, values={"thing": Thing(key="a")})
    found = (await execute(behavior, create_context(behavior, by_get=False), 0)).body["data"]["thing"]
    name: str = next(iter(found.values()))["name"]
    return name


async def has_wrong_rendering() -> bool:
    """Whether a second response has something else than the rendered objects of the first, and new ones, or is counted
    as smaller than by the reference executor; it may count a field of the root twice.
    """
    text = "{ shown { name id } }"
    first = Behavior("first", text, None, values={"thing": [Shown(id="1", name="a")]})
    second = Behavior("second", text, None, values={"thing": [Shown(id="1", name="b"), Shown(id="2", name="c")]})
    prepared, before = prepare_anew(text), create_context(first, by_get=False)
    await execute_prepared(prepared, first, before, 0)
    after, plain = create_context(second, by_get=False, before=before), create_context(second, by_get=False)
    response = await execute_prepared(prepared, second, after, 0)
    await execute(second, plain, NEVER)
    expected = {"shown": [{"name": "a", "id": "1"}, {"name": "c", "id": "2"}]}
    shown = orjson.loads(orjson.dumps(response.body))
    return shown != {"data": expected} or not 0 <= plain.fields_left - after.fields_left <= 1


async def is_uncacheable(pet: object) -> bool:
    """Whether the process may not cache a response with a pet."""
    behavior = Behavior("pet", "{ thing { pet { ... on Named { name } } } }", None, values={"thing": Thing(pet=pet)})
    context = create_context(behavior, by_get=False)
    assert await execute(behavior, context, 0)
    return context.cache_policy.is_uncacheable


async def count_reads(text: str) -> int:
    """Count the objects that are read until a response becomes too large."""
    reads: list[str] = []
    things = [Recorded(reads) for _ in range(MANY)]
    behavior = Behavior("many", text, None, values={"thing": things, "make": partial(Recorded, reads)})
    context = create_context(behavior, by_get=False)
    context.fields_left = LIMIT
    response = await execute(behavior, context, 0)
    assert response.body["errors"][0]["extensions"]["code"] == "ANSWER_TOO_LARGE"
    return len(reads)
