"""Behaviors of objects: loads, types, scopes and rendered objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.execution.behavior import FORBIDDEN, INPUT, INTERNAL, Behavior
from tests.execution.published_schema import Bird, Cat, Dog, Kitten, Safe, Shown, Thing


def _list_loads() -> Iterator[Behavior]:
    found: Any
    values: Any
    things = {"thing": [Thing(key="a"), Thing(key=None), Thing(key="b"), Thing(key="a")]}
    text = "{ things { friend { id } } }"
    found = [{"friend": {"id": "a"}}, {"friend": None}, {"friend": {"id": "b"}}, {"friend": {"id": "a"}}]
    yield Behavior("each parent has what its key loads", text, {"things": found}, values=things)
    text = "{ thing { friend { friend { id } name } } }"
    yield Behavior(
        "a key of nothing",
        text,
        {"thing": {"friend": {"friend": None, "name": "thing a"}}},
        values={"thing": Thing(key="a")},
    )
    missing, broken = {"thing": Thing(key="missing")}, {"thing": Thing(key="broken")}
    yield Behavior("nothing is loaded", "{ thing { friend { id } } }", {"thing": {"friend": None}}, values=missing)
    yield Behavior(
        "nothing is loaded that must not be null",
        "{ thing { partner { id } } }",
        {"thing": None},
        [(INTERNAL, ("thing", "partner"))],
        values=missing,
    )
    yield Behavior(
        "a key of nothing that must not be null",
        "{ thing { partner { id } } }",
        {"thing": None},
        [(INTERNAL, ("thing", "partner"))],
    )
    yield Behavior(
        "a load fails",
        "{ thing { name friend { id } } }",
        {"thing": {"name": "teapot", "friend": None}},
        [(INPUT, ("thing", "friend"))],
        values=broken,
    )
    yield Behavior(
        "a load fails that must not",
        "{ thing { partner { id } } }",
        {"thing": None},
        [(INPUT, ("thing", "partner"))],
        values=broken,
    )
    some = {"thing": [Thing(key="a"), Thing(key="broken")]}
    found = [{"friend": {"id": "a"}}, {"friend": None}]
    yield Behavior(
        "one of several loads fails",
        text.replace("thing {", "things {", 1).replace("friend { id } name", "id"),
        {"things": found},
        [(INPUT, ("things", 1, "friend"))],
        values=some,
    )
    text = "{ thing { sized one: sized(size: 1) two: sized(size: 2) } }"
    found = {"thing": {"sized": ["a"], "one": ["a"], "two": ["a", "a"]}}
    yield Behavior("loads have arguments", text, found, values={"thing": Thing(key="a")})
    text = "query ($n: Int!) { things { sized(size: $n) friend { name } } }"
    values = {"thing": [Thing(key="a"), Thing(key="b")]}
    found = [{"sized": [key] * 3, "friend": {"name": f"thing {key}"}} for key in "ab"]
    yield Behavior("loads have variables", text, {"things": found}, variables={"n": 3}, values=values)
    text = "{ thing { part { friend { id } } friend { name } } }"
    values = {"thing": Thing(key="a", part=Thing(key="b"))}
    found = {"thing": {"part": {"friend": {"id": "b"}}, "friend": {"name": "thing a"}}}
    yield Behavior("loads at several places", text, found, values=values)


def _list_types() -> Iterator[Behavior]:
    found: Any
    values: Any
    text = "{ pet { ... on CatType { name lives } ... on DogType { name barks } __typename } }"
    found = {"name": "teapot", "lives": 9, "__typename": "CatType"}
    yield Behavior("a union has the fields of its type", text, {"pet": found}, values={"thing": Cat(lives=9)})
    found = {"name": "teapot", "barks": True, "__typename": "DogType"}
    yield Behavior("a union of another type", text, {"pet": found}, values={"thing": Dog(barks=True)})
    text = "{ thing { pets { ... on Named { name } ...F } } } fragment F on CatType { lives }"
    values = {"thing": Thing(pets=[Cat(lives=1), None, Dog()])}
    found = {"thing": {"pets": [{"name": "teapot", "lives": 1}, None, {"name": "teapot"}]}}
    yield Behavior("a condition can be an abstract type", text, found, values=values)
    text = "{ thing { named { name ... on DogType { barks friend { id } } } } }"
    values = {"thing": Thing(named=Dog(key="a"))}
    found = {"thing": {"named": {"name": "teapot", "barks": None, "friend": {"id": "a"}}}}
    yield Behavior("an interface has its own fields, and loads", text, found, values=values)
    found = {"thing": {"named": {"name": "teapot"}}}
    yield Behavior("fragments on other types are left out", text, found, values={"thing": Thing(named=Cat())})
    text = "{ thing { pet { __typename } named { __typename } } }"
    yield Behavior("abstract types may be null", text, {"thing": {"pet": None, "named": None}})
    values = {"thing": Thing(pet=Thing())}
    yield Behavior(
        "an object of none of the types",
        "{ thing { pet { __typename } } }",
        {"thing": {"pet": None}},
        [(INTERNAL, ("thing", "pet"))],
        values=values,
    )
    values = {"thing": Thing(all_named=[Cat(), Thing()])}
    found = {"thing": {"allNamed": [{"name": "teapot"}, None]}}
    errors = [(INPUT, ("thing", "allNamed", 1))]
    text = "{ thing { allNamed { name } } }"
    yield Behavior("one object of none of the types", text, found, errors, values=values)
    yield from _list_alike_types()
    values = {"thing": Thing(part=Cat())}
    yield Behavior(
        "an object of another type",
        "{ thing { part { name } } }",
        {"thing": {"part": None}},
        [(INPUT, ("thing", "part"))],
        values=values,
    )
    yield Behavior(
        "a root object of another type",
        "{ thing { name } }",
        {"thing": None},
        [(INPUT, ("thing",))],
        values={"thing": Cat()},
    )


def _list_alike_types() -> Iterator[Behavior]:
    text = "{ thing { allNamed { label __typename } } }"
    cat = {"label": "label of teapot", "__typename": "CatType"}
    bird = {"label": "bird teapot", "__typename": "BirdType"}
    values = {"thing": Thing(all_named=[Cat(), Bird(), None])}
    found: Any = {"thing": {"allNamed": [cat, bird, None]}}
    yield Behavior("types that differ by functions only", text, found, values=values, scopes=("staff",))
    found = {"thing": {"allNamed": [cat, None, None]}}
    errors = [(FORBIDDEN, ("thing", "allNamed", 1))]
    yield Behavior("one of them has a scope", text, found, errors, values=values)
    text = "{ thing { named { label kind: __typename } } }"
    found = {"thing": {"named": {"label": "label of teapot", "kind": "CatType"}}}
    yield Behavior("an object of a subclass", text, found, values={"thing": Thing(named=Kitten())})
    text = "{ thing { named { ... on DogType { barks } } } }"
    yield Behavior(
        "nothing is selected of its type", text, {"thing": {"named": {}}}, values={"thing": Thing(named=Cat())}
    )


def _list_scopes() -> Iterator[Behavior]:
    found: Any
    staff, values = ("staff",), {"thing": Thing(key="a", secret="s", hidden="h", safe=Safe(name="n"))}
    text = "{ thing { secret safe { name } guarded { id } name } }"
    found = {"thing": {"secret": "s", "safe": {"name": "n"}, "guarded": {"id": "a"}, "name": "teapot"}}
    yield Behavior("a scope shows fields and types", text, found, values=values, scopes=staff)
    for field_ in ("secret", "safe { name }", "guarded { id }"):
        name = field_.split()[0]
        found = {"thing": {name: None, "name": "teapot"}}
        yield Behavior(
            f"without it {name} is null",
            f"{{ thing {{ {field_} name }} }}",
            found,
            [(FORBIDDEN, ("thing", name))],
            values=values,
        )
    yield Behavior("a root field has a scope", "{ guarded { id } }", {"guarded": {"id": "1"}}, scopes=staff)
    yield Behavior(
        "without it the root field is null", "{ guarded { id } }", {"guarded": None}, [(FORBIDDEN, ("guarded",))]
    )
    guest = frozenset({"1"})
    yield Behavior(
        "a guest sees null, and no error",
        "{ thing { hidden name } }",
        {"thing": {"hidden": None, "name": "teapot"}},
        values=values,
        guest_ids=guest,
    )
    yield Behavior(
        "staff sees it",
        "{ thing { hidden } }",
        {"thing": {"hidden": "h"}},
        values=values,
        scopes=staff,
        guest_ids=guest,
    )
    text = "{ thing { guardedCore { id } } }"
    yield Behavior(
        "a guest, and what must not be null",
        text,
        {"thing": None},
        [(INTERNAL, ("thing", "guardedCore"))],
        values=values,
        guest_ids=guest,
    )
    yield Behavior("staff loads it", text, {"thing": {"guardedCore": {"id": "a"}}}, values=values, scopes=staff)


def _list_rendered() -> Iterator[Behavior]:
    found: Any
    values = {"thing": [Shown(observed="o"), Shown(id="2", other=Shown(name="n"))]}
    found = {"shown": [{"name": "teapot", "id": "1"}, {"name": "teapot", "id": "2"}]}
    yield Behavior("objects that are rendered once", "{ shown { name id } }", found, values=values)
    found = {"shown": [{"name": "teapot", "observed": "o"}, {"name": "teapot", "observed": None}]}
    yield Behavior("objects that change with time", "{ shown { name observed } }", found, values=values)
    text = "{ shown { id other { name ownStock } } }"
    other: Any = {"name": "n", "ownStock": ["1"]}
    found = {"shown": [{"id": "1", "other": None}, {"id": "2", "other": other}]}
    yield Behavior("rendered objects in others", text, found, values=values)


def list_object_behaviors() -> Iterator[Behavior]:
    """List the behaviors of loads, types, scopes and rendered objects."""
    yield from _list_loads()
    yield from _list_types()
    yield from _list_scopes()
    yield from _list_rendered()
