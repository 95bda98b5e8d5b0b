"""Behaviors of mutations: each of their root fields writes once, and the next begins when it is complete."""

from __future__ import annotations

from collections.abc import Iterator

from tests.execution.behavior import FORBIDDEN, INPUT, Behavior
from tests.execution.published_schema import Cat, Dog, Shown


def list_mutation_behaviors() -> Iterator[Behavior]:
    """List the behaviors of mutations."""
    yield from _list_counted()
    text = "mutation { pet { ... on CatType { name lives } ... on DogType { name barks } } }"
    cat, dog = {"name": "Cat", "lives": 9}, {"name": "Dog", "barks": True}
    yield Behavior("a mutation returns a cat", text, {"pet": cat}, values={"thing": Cat(name="Cat", lives=9)})
    yield Behavior("a mutation returns a dog", text, {"pet": dog}, values={"thing": Dog(name="Dog", barks=True)})
    objects = {"thing": [Shown(), Shown(id="2")]}
    shown = [{"name": "teapot", "id": "1"}, {"name": "teapot", "id": "2"}]
    yield Behavior("a mutation shows objects", "mutation { shown { name id } }", {"shown": shown}, values=objects)
    text, denied = "mutation { guarded { id } }", [(FORBIDDEN, ("guarded",))]
    yield Behavior("a mutation has a scope", text, {"guarded": {"id": "1"}}, scopes=("staff",))
    yield Behavior("without it the mutation is denied", text, {"guarded": None}, denied)
    failed = {"thing": ValueError("failed")}
    text, errors = "mutation { thing { id } }", [("INTERNAL_SERVER_ERROR", ("thing",))]
    yield Behavior("a mutation fails", text, {"thing": None}, errors, values=failed)
    declared = "mutation ($missing: Int) { echo(number: $missing) }"
    yield Behavior("a mutation has a wrong argument", declared, {"echo": None}, [(INPUT, ("echo",))], {"missing": None})


def _list_counted() -> Iterator[Behavior]:
    first, second = {"id": "write 1"}, {"id": "write 2"}
    yield Behavior("a mutation writes once", "mutation { write { id } }", {"write": first})
    yield Behavior("a mutation has no object", 'mutation { write(key: "") { id friend { id } } }', {"write": None})
    text = 'mutation { write(key: "a") { id friend { id } } }'
    yield Behavior("a mutation loads more", text, {"write": {**first, "friend": {"id": "a"}}})
    text = 'mutation { write(key: "broken") { id friend { id } } }'
    broken = [(INPUT, ("write", "friend"))]
    yield Behavior("what it loads is broken: it writes once", text, {"write": {**first, "friend": None}}, broken)
    text = "mutation { a: write { id } __typename b: write { id } }"
    shown = {"a": first, "__typename": "Mutation", "b": second}
    yield Behavior("mutations of two root fields are for the reference", text, shown, is_reference=True)
    yield Behavior("of two mutations one is selected", _SELECTED, {"write": first}, operation="B")
    yield Behavior("a mutation skips a field", _SKIPPING, {"b": first}, variables={"skips": True})
    yield Behavior(
        "a mutation includes a field",
        _SKIPPING,
        {"a": first, "b": second},
        variables={"skips": False},
        is_reference=True,
    )


_SELECTED = "mutation A { echo(number: 1) } mutation B { write { id } } query C { __typename }"
_SKIPPING = "mutation ($skips: Boolean!) { a: write @skip(if: $skips) { id } b: write { id } }"
