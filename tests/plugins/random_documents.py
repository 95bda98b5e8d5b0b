"""GraphQL documents at random from a schema, with values that are mostly right, often odd, and sometimes impossible."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

Declared = GraphQLArgument | GraphQLInputField

NUMBERS = (0, -1, 250, 251, 2**31 - 1, -(2**31))
TEXTS = (
    "",
    " ",
    "x",
    "Tea",
    "0",
    "-1",
    "\0",
    "\ud83d\ude00",
    "' OR 1=1",
    "{{7*7}}",
    "a" * 300,
    "null",
    "gid://shopify/",
)
DECIMALS = ("0", "-1.50", "1e5", "NaN", "Infinity", "", "99999999999999999999", 2.5)
TIMES = ("2026-01-05", "0001-01-01T00:00:00+14:00", "now", "")
URLS = ("ftp://x", "nowhere", "http://[", "http://127.0.0.1:99999/", "")
USUAL: Mapping[str, Sequence[Any]] = {
    "Int": (1, 1, 2, 3),
    "Float": (0.5, 1),
    "Boolean": (True, False),
    "Decimal": ("1.00", "3.06", 3),
    "Money": ("1.00", "3.06"),
    "DateTime": ("2026-01-05T09:00:00Z", "2026-01-05T09:00:00+02:00"),
    "URL": ("http://127.0.0.1:9/",),
}
ODD: Mapping[str, Sequence[Any]] = {
    "Int": NUMBERS,
    "Float": (-1, 1e308),
    "Boolean": (True, False),
    "Decimal": DECIMALS,
    "Money": DECIMALS,
    "DateTime": TIMES,
    "URL": URLS,
}
ODDITY = 0.06
"""Share of values that are odd."""

JUNK: Sequence[Any] = (None, True, 7, 1.5, "junk", [], {}, [[]], {"a": 1})
NAMED: Mapping[str, Sequence[Any]] = {
    "first": (1, 2, 3, 3, 3, 3, 3, 3, 0, -1, 251, None),
    "after": (None, None, None, "WzFd", "WyIiLCAxMDA1XQ==", "x", "", "WyJhIl0="),
    "query": (None, None, "id:>5", "updated_at:>='2026-01-01T00:00:00Z'", "tag:x", "", "id:>" + "9" * 30),
    "names": (["available"], ["on_hand", "damaged"], ["available"], ["bogus"], []),
    "name": ("available", "available", "damaged", "on_hand", "bogus", "incoming"),
    "reason": ("correction", "received", "OTHER", "correction", "whim"),
    "currency": ("GBP",),
    "currencyCode": (*("GBP",) * 8, "EUR"),
    "email": (*("ada@example.com",) * 5, "ada", "a@b"),
    "key": ("a", "b", "c"),
    "namespace": (None, "shop"),
    "uri": ("http://127.0.0.1:9/", *URLS),
}
"""Values of arguments and input fields, by name: those of their type would never be right."""


@dataclass
class DocumentGenerator:
    """Generates documents.

    Attributes:
        pick_id: picks an ID of the shop for an argument or an input field.
        directives: what is written behind root fields, by name.
    """

    schema: GraphQLSchema
    dice: random.Random
    pick_id: Callable[[str], str]
    directives: Mapping[str, str] = field(default_factory=dict)
    _variables: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def build(self) -> tuple[str, dict[str, Any]]:
        """Build a document and its variables."""
        self._variables = {}
        kind = self.dice.choice(("query", "query", "mutation"))
        root = self.schema.query_type if kind == "query" else self.schema.mutation_type
        assert root is not None
        name = self.dice.choice(list(root.fields))
        body = self._build_field(name, root.fields[name], 5) + ""
        declared = ", ".join(f"${name}: {type_}" for name, (type_, _) in self._variables.items())
        text = f"{kind} {f'({declared})' if declared else ''} {{ {body} }}"
        return self._break(text), {name: value for name, (_, value) in self._variables.items()}

    def _break(self, text: str) -> str:
        """Damage one document of twenty."""
        if self.dice.random() >= 0.05:
            return text
        at = self.dice.randrange(len(text))
        return text[:at] + self.dice.choice(("", "{", "}", "$", '"', "\0", "...", "@include")) + text[at + 1 :]

    def _build_field(self, name: str, declared: GraphQLField, depth: int) -> str:
        given = [
            f"{argument}: {self._bind(argument, definition)}"
            for argument, definition in declared.args.items()
            if is_required_argument(definition) or argument == "first" or self.dice.random() < 0.6
        ]
        arguments = f"({', '.join(given)})" if given else ""
        text = f"{name}{arguments} {self.directives.get(name, '')}"
        return text if is_leaf_type(get_named_type(declared.type)) else f"{text} {self._select(declared, depth - 1)}"

    def _bind(self, name: str, declared: Declared) -> str:
        variable = f"v{len(self._variables)}"
        self._variables[variable] = (str(declared.type), self.build_value(name, declared.type))
        return f"${variable}"

    def _select(self, declared: GraphQLField, depth: int) -> str:
        kind = get_named_type(declared.type)
        if isinstance(kind, GraphQLUnionType):
            return "{ __typename }"
        assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        able = [name for name, child in kind.fields.items() if depth > 0 or is_leaf_type(get_named_type(child.type))]
        chosen = self.dice.sample(able, min(len(able), self.dice.randint(1, 4)))
        if "nodes" in able and "nodes" not in chosen:
            chosen.append("nodes")
        fields = " ".join(self._build_field(name, kind.fields[name], depth) for name in chosen)
        return f"{{ __typename {fields} {self._select_concrete(kind, depth)} }}"

    def _select_concrete(self, kind: object, depth: int) -> str:
        if not isinstance(kind, GraphQLInterfaceType) or depth <= 0:
            return ""
        possible: list[GraphQLObjectType | GraphQLInterfaceType] = [*self.schema.get_possible_types(kind)]
        concrete = self.dice.choice(possible or [kind])
        name = self.dice.choice(list(concrete.fields))
        aliased = f"inner: {self._build_field(name, concrete.fields[name], depth)}"
        return f"... on {concrete.name} {{ {aliased} }}"

    def build_value(self, name: str, type_: Any) -> Any:
        """Build a value of an input type."""
        if self.dice.random() < ODDITY / 10:
            return self.dice.choice(JUNK)
        if isinstance(type_, GraphQLNonNull):
            return self.build_value(name, type_.of_type)
        if name in NAMED and self.dice.random() < 0.9:
            return self.dice.choice(NAMED[name])
        if isinstance(type_, GraphQLList):
            return [self.build_value(name, type_.of_type) for _ in range(self.dice.choice((0, 1, 1, 2)))]
        if isinstance(type_, GraphQLEnumType):
            return self.dice.choice(["BOGUS"] if self.dice.random() < ODDITY / 4 else list(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            return self._build_object(type_)
        return self.pick_id(name) if str(type_) == "ID" else self._build_scalar(str(type_))

    def _build_object(self, type_: GraphQLInputObjectType) -> dict[str, Any]:
        fields = list(type_.fields.items())
        if type_.is_one_of and self.dice.random() < 0.8:
            fields = [self.dice.choice(fields)]
        return {
            name: self.build_value(name, declared.type)
            for name, declared in fields
            if type_.is_one_of or is_required_input_field(declared) or self.dice.random() < 0.7
        }

    def _build_scalar(self, name: str) -> Any:
        pools = ODD if self.dice.random() < ODDITY else USUAL
        return self.dice.choice(pools.get(name, TEXTS))
