"""What the specification and the suite of graphql-core say about the execution of queries, as far as the compiler takes
them: a document for each, and its response over the small schema.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from tests.execution.behavior import INPUT, NO_DATA, Behavior
from tests.execution.mutation_behaviors import list_mutation_behaviors
from tests.execution.object_behaviors import list_object_behaviors
from tests.execution.published_schema import Color, Thing, write_arguments
from tests.execution.value_behaviors import list_value_behaviors


def list_behaviors() -> list[Behavior]:
    """List all behaviors."""
    return [
        *_list_arguments(),
        *_list_variables(),
        *_list_refused_variables(),
        *_list_directives(),
        *_list_selections(),
        *_list_operations(),
        *list_value_behaviors(),
        *list_object_behaviors(),
        *list_mutation_behaviors(),
    ]


def build_echo(**given: Any) -> str:
    """Build what the field `echo` of a thing returns."""
    usual = dict.fromkeys(("text", "flag", "color", "id", "words", "numbers", "filter"))
    return write_arguments(**{**usual, "number": 5, **given})


def _ask_echo(name: str, arguments: str, *, declared: str = "", **given: Any) -> Behavior:
    variables = given.pop("variables", {})
    text = f"query {declared} {{ thing {{ echo{arguments} }} }}"
    return Behavior(name, text, {"thing": {"echo": build_echo(**given)}}, variables=variables)


def _list_arguments() -> Iterator[Behavior]:
    found: Any
    yield _ask_echo("an omitted argument has its default", "")
    yield _ask_echo(
        "a literal is given to the function", '(text: "a", number: 2, flag: true)', text="a", number=2, flag=True
    )
    yield _ask_echo("null is a value", "(text: null, words: null)")
    yield _ask_echo("an enum has the member of its name", "(color: GREEN)", color=Color.GREEN)
    yield _ask_echo("an id is a text or a number", "(id: 12)", id="12")
    yield _ask_echo("one value is a list of one", '(words: "a", numbers: 3)', words=["a"], numbers=[3])
    yield _ask_echo("a list may have nulls", '(words: ["a", null])', words=["a", None])
    yield _ask_echo("an empty list stays empty", "(words: [])", words=[])
    yield _ask_echo(
        "an input object has the defaults of its fields", '(filter: {text: "a"})', filter={"text": "a", "count": 7}
    )
    nested = "(filter: {text: null, inner: {}, others: {count: 1}})"
    yield _ask_echo(
        "input objects nest, and have nulls",
        nested,
        filter={"text": None, "count": 7, "inner": {"count": 7}, "others": [{"count": 1}]},
    )
    root = '{ a: echo(text: "a") b: echo(number: 1, color: RED) c: echo }'
    found = {
        "a": write_arguments(text="a", number=5, color=None),
        "b": write_arguments(text=None, number=1, color=Color.RED),
        "c": write_arguments(text=None, number=5, color=None),
    }
    yield Behavior("each use of a root field has its own arguments", root, found)
    both = "{ thing { a: echo(number: 1) b: echo(number: 2) } }"
    found = {"thing": {"a": build_echo(number=1), "b": build_echo(number=2)}}
    yield Behavior("each use of a field has its own arguments", both, found)
    control = '{ thing { name echo(text: "a\\u0007b") } }'
    yield Behavior("a control character is refused", control, {"thing": None}, [(INPUT, ("thing", "echo"))])


def _list_variables() -> Iterator[Behavior]:
    found: Any
    one, number = "($a: String)", "($a: Int = 9)"
    yield _ask_echo("a variable has its value", "(text: $a)", declared=one, variables={"a": "x"}, text="x")
    yield _ask_echo("an omitted variable omits the argument", "(number: $a)", declared="($a: Int!=5)", number=5)
    yield _ask_echo("a variable of null is null", "(text: $a)", declared=one, variables={"a": None})
    yield _ask_echo("an omitted variable has its default", "(numbers: [$a])", declared="($a: Int! = 9)", numbers=[9])
    yield _ask_echo(
        "the default is for omitted ones", "(numbers: [$a])", declared="($a: Int! = 9)", variables={"a": 1}, numbers=[1]
    )
    yield _ask_echo("null replaces the default", "(text: $a)", declared='($a: String = "d")', variables={"a": None})
    yield _ask_echo("without a value the argument's default counts", "(number: $a)", declared=number, number=9)
    yield _ask_echo(
        "one value of a variable is a list", "(words: $a)", declared="($a: [String])", variables={"a": "x"}, words=["x"]
    )
    filter_ = {"text": "x", "inner": {"count": 2}}
    found = {"text": "x", "count": 7, "inner": {"count": 2}}
    yield _ask_echo(
        "a variable can be an object", "(filter: $a)", declared="($a: Filter)", variables={"a": filter_}, filter=found
    )
    inside = {"count": 4}
    yield _ask_echo(
        "an omitted variable omits the key of an object", "(filter: {text: $a, count: 4})", declared=one, filter=inside
    )
    yield _ask_echo(
        "a variable inside of an object has its value",
        "(filter: {text: $a})",
        declared=one,
        variables={"a": "v"},
        filter={"text": "v", "count": 7},
    )
    yield _ask_echo(
        "a variable can be an enum", "(color: $a)", declared="($a: Color!)", variables={"a": "RED"}, color=Color.RED
    )
    text = "query ($a: Int! = 1) { thing { ...F } } fragment F on ThingType { echo(number: $a) }"
    yield Behavior("fragments see the variables", text, {"thing": {"echo": build_echo(number=8)}}, variables={"a": 8})
    text = "query ($a: Int = 1) { thing { name echo(number: $a) } }"
    errors = [(INPUT, ("thing", "echo"))]
    yield Behavior("null for an argument that must not be null", text, {"thing": None}, errors, {"a": None})


def _list_refused_variables() -> Iterator[Behavior]:
    refused: Mapping[str, tuple[str, dict[str, Any]]] = {
        "a required variable is missing": ("$a: Int!", {}),
        "a required variable is null": ("$a: Int!", {"a": None}),
        "a text is not a number": ("$a: Int!", {"a": "x"}),
        "a number is too large": ("$a: Int!", {"a": 2**31}),
        "a list is no number": ("$a: Int!", {"a": [1]}),
    }
    for name, (declared, variables) in refused.items():
        text = f"query ({declared}) {{ thing {{ echo(number: $a) }} }}"
        yield Behavior(name, text, NO_DATA, [(INPUT, None)], variables)
    others: Mapping[str, tuple[str, str, Any]] = {
        "a key is unknown": ("Filter", "filter", {"wrong": 1}),
        "a name is no member of the enum": ("Color", "color", "BLUE"),
        "an item of a list must not be null": ("[Int!]", "numbers", [1, None]),
        "a list is no text": ("String", "text", ["x"]),
        "a nested key has a wrong type": ("Filter", "filter", {"inner": {"count": "x"}}),
    }
    for name, (type_, argument, value) in others.items():
        text = f"query ($a: {type_}) {{ thing {{ echo({argument}: $a) }} }}"
        yield Behavior(name, text, NO_DATA, [(INPUT, None)], {"a": value})


FORMS: Mapping[str, tuple[str, str]] = {
    "field": ("name DIRECTIVES", ""),
    "fragment": ("...F DIRECTIVES", "fragment F on ThingType { name }"),
    "inline fragment": ("... on ThingType DIRECTIVES { name }", ""),
    "fragment without a type": ("... DIRECTIVES { name }", ""),
}
"""Where a condition can be."""


def _list_directives() -> Iterator[Behavior]:
    found: Any
    values: Any
    both = (True, False)
    for (form, (selection, more)), include, skip in itertools.product(FORMS.items(), both, both):
        found = {"thing": {"count": 3, **({"name": "teapot"} if include and not skip else {})}}
        for by_variable in both:
            conditions = ("$i", "$s") if by_variable else (str(include).lower(), str(skip).lower())
            directives = "@include(if: {}) @skip(if: {})".format(*conditions)
            declared = "query ($i: Boolean!, $s: Boolean!)" if by_variable else ""
            text = f"{declared} {{ thing {{ count {selection.replace('DIRECTIVES', directives)} }} }} {more}"
            name = f"{form}, included {include}, skipped {skip}, by {'variables' if by_variable else 'literals'}"
            yield Behavior(name, text, found, variables={"i": include, "s": skip} if by_variable else {})
    text = "query ($i: Boolean!) { echo @include(if: $i) __typename }"
    yield Behavior("a root field can be left out", text, {"__typename": "Query"}, variables={"i": False})
    text = "query ($i: Boolean! = false) { thing { name @include(if: $i) count } }"
    yield Behavior("a condition has the default of its variable", text, {"thing": {"count": 3}})
    text = "query ($i: Boolean!) { thing { part @include(if: $i) { friend { id } } friend { id @skip(if: $i) name } } }"
    values = {"thing": Thing(key="k")}
    found = {"thing": {"part": None, "friend": {"name": "thing k"}}}
    yield Behavior("conditions below a load", text, found, variables={"i": True}, values=values)


def _list_selections() -> Iterator[Behavior]:
    found: Any
    values: Any
    deep = Thing(part=Thing(name="a", part=Thing(name="b", flag=True)))
    text = """{ thing { part { name } ...F ...G } }
      fragment F on ThingType { part { part { name } } } fragment G on ThingType { part { part { flag } count } }"""
    found = {"thing": {"part": {"name": "a", "part": {"name": "b", "flag": True}, "count": 3}}}
    yield Behavior("selections of one field merge", text, found, values={"thing": deep})
    text = "{ thing { b: name a: name name count name } }"
    found = {"thing": {"b": "teapot", "a": "teapot", "name": "teapot", "count": 3}}
    yield Behavior("keys have the order of their first use", text, found)
    text = "{ thing { friend { name } count partner { id } name sized } }"
    values = {"thing": Thing(key="k")}
    found = {
        "thing": {"friend": {"name": "thing k"}, "count": 3, "partner": {"id": "k"}, "name": "teapot", "sized": ["k"]}
    }
    yield Behavior("loads do not change the order of keys", text, found, values=values)
    text = "{ z: echo thing { id } a: __typename }"
    found = {"z": write_arguments(text=None, number=5, color=None), "thing": {"id": "1"}, "a": "Query"}
    yield Behavior("root fields have their order", text, found)
    text = "{ thing { __typename kind: __typename } }"
    yield Behavior(
        "an object has the name of its type", text, {"thing": {"__typename": "ThingType", "kind": "ThingType"}}
    )
    text = "{ thing { ...A } } fragment A on ThingType { ...B count } fragment B on ThingType { name }"
    yield Behavior("fragments use fragments", text, {"thing": {"name": "teapot", "count": 3}})
    text = '{ a: thing { id } b: thing(of: "other") { id } }'
    found = {"a": {"id": "1"}, "b": {"id": "2"}}
    yield Behavior("a root field can be used twice", text, found, values={"thing": Thing(), "other": Thing(id="2")})
    text = "{ thing { text } }"
    yield Behavior("an attribute of an attribute", text, {"thing": {"text": "a"}}, values={"thing": deep})
    yield Behavior("an attribute of nothing is null", text, {"thing": {"text": None}})


def _list_operations() -> Iterator[Behavior]:
    found: Any
    text = "query A { a: __typename } query B { b: __typename }"
    yield Behavior("the named operation is executed", text, {"b": "Query"}, operation="B")
    yield Behavior(
        "of several one must be named", text, NO_DATA, [("OPERATION_RESOLUTION_FAILURE", None)], is_reference=False
    )
    yield Behavior(
        "the name is unknown",
        text,
        NO_DATA,
        [("OPERATION_RESOLUTION_FAILURE", None)],
        operation="C",
        is_reference=False,
    )
    yield Behavior("the only operation needs no name", "query A { __typename }", {"__typename": "Query"})
    found = {"echo": write_arguments(text=None, number=1, color=None)}
    yield Behavior(
        "a computed root field is for the reference", "{ computed }", {"computed": build_echo()}, is_reference=True
    )
    text = "{ thing { nested(number: 1) } }"
    yield Behavior(
        "a root field of an object is for the reference", text, {"thing": {"nested": found["echo"]}}, is_reference=True
    )
    yield Behavior("a mutation has arguments", "mutation { echo(number: 1) }", found)
    yield Behavior("a mutation without root fields", "mutation { __typename }", {"__typename": "Mutation"})
    found = {"__schema": {"queryType": {"name": "Query"}}, "__type": {"kind": "ENUM"}}
    text = '{ __schema { queryType { name } } __type(name: "Color") { kind } }'
    yield Behavior("introspection is for the reference", text, found, is_reference=True)
