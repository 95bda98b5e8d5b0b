"""Behaviors of values: leaves, lists and nulls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.execution.errors import BadUserInputError
from tests.execution.behavior import INPUT, INTERNAL, Behavior, Path
from tests.execution.published_schema import Color, Thing, write_arguments

LEAVES: Mapping[str, Sequence[tuple[Any, Any]]] = {
    "name": [("a", "a"), (5, "5"), (True, "true"), (1.5, "1.5"), ("é" * 3, "é" * 3), ("x" * 250, "x" * 250)],
    "id": [("a", "a"), (7, "7"), ("x" * 120, "x" * 120)],
    "number": [(0, 0), (-(2**31), -(2**31)), (2**31 - 1, 2**31 - 1), (True, 1), (3.0, 3), ("12", 12)],
    "flag": [(True, True), (False, False), (1, True), (0, False)],
    "ratio": [(0.5, 0.5), (2, 2.0), (True, 1)],
    "color": [(Color.RED, "RED"), (Color.GREEN, "GREEN"), ("R", "RED")],
    "amount": [(Decimal("1.50"), "1.50")],
    "even": [(4, 4)],
}
"""Values of fields, and how they are represented."""

WRONG_LEAVES: Mapping[str, Sequence[Any]] = {
    "name": [[], {}],
    "id": [[], 1.5],
    "number": [2**31, -(2**31) - 1, 1.5, "x", ""],
    "flag": ["x", []],
    "ratio": [float("nan"), float("inf"), "x"],
    "color": ["BLUE", 3],
    "even": [3],
}
"""Values that their types do not represent."""


def _list_leaves() -> Iterator[Behavior]:
    found: Any
    values: Any
    for name, cases in LEAVES.items():
        for number, (value, shown) in enumerate([*cases, *([] if name == "id" else [(None, None)])]):
            values = {"thing": Thing(**{name: value})}
            yield Behavior(
                f"{name}, case {number}", f"{{ thing {{ {name} }} }}", {"thing": {name: shown}}, values=values
            )
    text = "{ thing { repeat(number: 250) a: repeat(number: 99) b: repeat(number: 100) } }"
    found = {"thing": {"repeat": "x" * 250, "a": "x" * 99, "b": "x" * 100}}
    yield Behavior("texts of any length", text, found)


def _list_wrong_leaves() -> Iterator[Behavior]:
    found: Any
    values: Any
    for name, cases in WRONG_LEAVES.items():
        for number, value in enumerate(cases):
            values = {"thing": Thing(**{name: value})}
            found = {"thing": None if name == "id" else {name: None}}
            errors = [(INTERNAL, ("thing", name))]
            yield Behavior(f"{name}, wrong case {number}", f"{{ thing {{ {name} }} }}", found, errors, values=values)
    values = {"thing": Thing(price=None)}
    errors = [(INTERNAL, ("thing", "price"))]
    yield Behavior("null is not written as a text", "{ thing { price } }", {"thing": None}, errors, values=values)
    values = {"thing": Thing(count="x")}
    yield Behavior(
        "a wrong value that must not be null",
        "{ thing { name count } }",
        {"thing": None},
        [(INTERNAL, ("thing", "count"))],
        values=values,
    )


def _list_lists() -> Iterator[Behavior]:
    found: Any
    values: Any
    iterables: Mapping[str, Any] = {
        "list": ["a", "b"],
        "tuple": ("a", "b"),
        "keys": {"a": 1, "b": 2}.keys(),
        "empty": [],
    }
    for name, value in iterables.items():
        found = {"thing": {"words": [*value]}}
        yield Behavior(
            f"a list can be given as {name}", "{ thing { words } }", found, values={"thing": Thing(words=value)}
        )
    values = {"thing": Thing(words=["a", None], sizes=[None, 1], grid=[[1, None], None, []], labels=[], codes=[1])}
    found = {"words": ["a", None], "sizes": [None, 1], "grid": [[1, None], None, []], "labels": [], "codes": [1]}
    yield Behavior(
        "lists may have nulls", "{ thing { words sizes grid labels codes } }", {"thing": found}, values=values
    )
    yield Behavior(
        "a list may be null",
        "{ thing { words labels grid } }",
        {"thing": {"words": None, "labels": None, "grid": None}},
    )
    values = {"thing": [Thing(), None, Thing(id="2")]}
    yield Behavior(
        "a list of objects", "{ things { id } }", {"things": [{"id": "1"}, None, {"id": "2"}]}, values=values
    )
    values = {"thing": Thing(parts=(Thing(id="a", parts=[]), None))}
    found = {"thing": {"parts": [{"id": "a", "parts": []}, None]}}
    yield Behavior("lists in lists of objects", "{ thing { parts { id parts { id } } } }", found, values=values)


def _list_wrong_lists() -> Iterator[Behavior]:
    found: Any
    values: Any
    for name, value in {"text": "ab", "mapping": {"a": 1}, "bytes": b"ab", "number": 3}.items():
        found, errors = {"thing": {"words": None}}, [(INTERNAL, ("thing", "words"))]
        yield Behavior(
            f"a {name} is not a list", "{ thing { words } }", found, errors, values={"thing": Thing(words=value)}
        )
    cases: Mapping[str, tuple[str, Any, Any, Path]] = {
        "a wrong item is null": ("words", ["a", [], "b"], {"words": ["a", None, "b"]}, ("words", 1)),
        "null in a list without nulls": ("labels", ["a", None], {"labels": None}, ("labels", 1)),
        "a wrong item in a list without nulls": ("labels", ["a", []], {"labels": None}, ("labels", 1)),
        "null for a list": ("sizes", None, None, ("sizes",)),
        "null in a list that must not be null": ("codes", [1, None], None, ("codes", 1)),
        "a wrong item of an inner list": ("grid", [[1, "x"]], {"grid": [[1, None]]}, ("grid", 0, 1)),
    }
    for name, (field_, value, data, path) in cases.items():
        values = {"thing": Thing(**{field_: value})}
        yield Behavior(
            name, f"{{ thing {{ {field_} }} }}", {"thing": data}, [(INTERNAL, ("thing", *path))], values=values
        )
    values = {"thing": [Thing(), None]}
    yield Behavior("null in a list of the root", "{ cores { id } }", None, [(INTERNAL, ("cores", 1))], values=values)
    values = {"thing": [Thing(), Thing(count=None), Thing(id="3")]}
    found = {"things": [{"count": 3}, None, {"count": 3}]}
    yield Behavior(
        "one object of a list is null",
        "{ things { count } }",
        found,
        [(INTERNAL, ("things", 1, "count"))],
        values=values,
    )


def _list_nulls() -> Iterator[Behavior]:
    found: Any
    values: Any
    nothing = {"thing": None}
    yield Behavior(
        "a root field may be null",
        "{ thing { id } echo }",
        {"thing": None, "echo": write_arguments(text=None, number=5, color=None)},
        values=nothing,
    )
    yield Behavior(
        "a root field that must not be null", "{ echo core { id } }", None, [(INTERNAL, ("core",))], values=nothing
    )
    yield Behavior(
        "an object may be null", "{ thing { part { id } name } }", {"thing": {"part": None, "name": "teapot"}}
    )
    yield Behavior(
        "null goes up to the object", "{ thing { core { id } } }", {"thing": None}, [(INTERNAL, ("thing", "core"))]
    )
    chain = {"thing": Thing(part=Thing(core=Thing(core=Thing(count=None))))}
    text, path = "{ thing { name part { core { core { count } } } } }", ("thing", "part", "core", "core", "count")
    yield Behavior(
        "null goes up to the nearest that may be null",
        text,
        {"thing": {"name": "teapot", "part": None}},
        [(INTERNAL, path)],
        values=chain,
    )
    text = "{ core { core { count } } }"
    values = {"thing": Thing(core=Thing(count=None))}
    yield Behavior("null goes up to the data", text, None, [(INTERNAL, ("core", "core", "count"))], values=values)
    text = "{ thing { rejected name } }"
    found = {"thing": {"rejected": None, "name": "teapot"}}
    yield Behavior("a field that fails is null", text, found, [(INPUT, ("thing", "rejected"))])
    yield Behavior(
        "an unexpected error is not shown",
        "{ thing { crashed } }",
        {"thing": {"crashed": None}},
        [(INTERNAL, ("thing", "crashed"))],
    )
    yield Behavior(
        "a field that must not fail",
        "{ thing { name rejectedCore } }",
        {"thing": None},
        [(INPUT, ("thing", "rejectedCore"))],
    )
    text = "{ a: thing { x: rejected } thing { rejected number part { id } } }"
    found = {"a": {"x": None}, "thing": {"rejected": None, "number": None, "part": None}}
    yield Behavior("each error has its path", text, found, [(INPUT, ("a", "x")), (INPUT, ("thing", "rejected"))])
    failing = {"thing": BadUserInputError("wrong")}
    yield Behavior(
        "a root field that fails",
        "{ thing { id } echo }",
        {"thing": None, "echo": write_arguments(text=None, number=5, color=None)},
        [(INPUT, ("thing",))],
        values=failing,
    )
    yield Behavior(
        "a root field that must not fail", "{ core { id } echo }", None, [(INPUT, ("core",))], values=failing
    )


def list_value_behaviors() -> Iterator[Behavior]:
    """List the behaviors of leaves, lists and nulls."""
    yield from _list_leaves()
    yield from _list_wrong_leaves()
    yield from _list_lists()
    yield from _list_wrong_lists()
    yield from _list_nulls()
