"""Random documents: walks over the schema from its roots and nodes, with real and wrong arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_interface_type,
    is_required_argument,
    is_union_type,
)

MAX_DEPTH = 6
INTEGERS = ("1", "2", "3", "5", "10", "20", "50", "100", "0", "101")
VALUES: Mapping[str, Sequence[str]] = {
    "channelKey": ('"web"', '"till"', '"nowhere"'),
    "channelKeys": ('["web"]', '["till", "web"]', "[]"),
    "locationKey": ('"london"', '"leeds"', '"depot"', '"nowhere"'),
    "key": ('"web"', '"london"', '"nowhere"'),
    "search": ('"mug"', '"zester"', '""'),
    "after": ('"wrong"', "null"),
    "before": ('"wrong"', "null"),
    "types": ("[PRODUCT]", "[PRODUCT, STOCK]"),
    "skus": ('["MUG"]', '["NONE"]'),
    "keys": ('["brand"]', '["category", "tag"]'),
}
"""Values of arguments, by name."""

VARIABLES = {"$yes": "$yes: Boolean! = true", "$no": "$no: Boolean! = false"}
CONDITIONS = ("@include(if: $yes)", "@skip(if: $yes)", "@include(if: $no)", "@skip(if: $no)", "@include(if: true)")


@dataclass(slots=True)
class DocumentWriter:
    """Writes one document. `ids`: global IDs by type."""

    random: Random
    schema: GraphQLSchema
    ids: Mapping[str, str]
    tokens: Mapping[str, str]
    fragments: list[str] = field(default_factory=list)
    names: int = 0

    def write(self) -> str:
        """Write a query with its fragments."""
        query = self.schema.query_type
        assert query is not None
        roots = " ".join(self._write_root(query) for _ in range(self.random.choice((1, 1, 1, 2, 3))))
        text = "\n".join([f"{{ {roots} }}", *self.fragments])
        declared = [declaration for name, declaration in VARIABLES.items() if name in text]
        return f"query ({', '.join(declared)}) {text}" if declared else f"query {text}"

    def _write_root(self, query: GraphQLObjectType) -> str:
        chance = self.random.random()
        if chance < 0.45:
            name, id_ = self.random.choice(sorted(self.ids.items()))
            node = self.schema.type_map[name]
            assert isinstance(node, GraphQLObjectType)
            return f'{self._alias()}: node(id: "{id_}") {{ __typename ... on {name} {self._write_selection(node, 1)} }}'
        if chance < 0.55:
            some = ", ".join(f'"{id_}"' for id_ in self.random.sample(sorted(self.ids.values()), 4))
            interface = self.schema.type_map["Node"]
            return f"{self._alias()}: nodes(ids: [{some}]) {self._write_selection(interface, 1)}"
        name = self.random.choice([name for name in query.fields if name not in ("node", "nodes")])
        return self._write_field(name, query.fields[name], 0)

    def _write_selection(self, type_: Any, depth: int) -> str:
        if is_interface_type(type_):
            possible = self.random.sample(sorted(self.ids), 3)
            parts = [f"... on {name} {self._write_selection(self.schema.type_map[name], depth)}" for name in possible]
            return f"{{ __typename id {' '.join(parts)} }}"
        if is_union_type(type_):
            members = [f"... on {one.name} {self._write_selection(one, depth)}" for one in type_.types]
            return f"{{ __typename {' '.join(members)} }}"
        offered = [
            (name, field)
            for name, field in type_.fields.items()
            if depth < MAX_DEPTH or not is_composite_type(get_named_type(field.type))
        ]
        chosen = self.random.sample(offered, min(len(offered), self.random.choice((1, 2, 3, 4))))
        parts = [self._write_field(name, found, depth) for name, found in chosen]
        parts += ["__typename"] if self.random.random() < 0.2 or not parts else []
        return f"{{ {' '.join(self._wrap(part, type_.name) for part in parts)} }}"

    def _wrap(self, part: str, type_name: str) -> str:
        """Put some fields into fragments, and some of those are selected twice."""
        chance = self.random.random()
        if chance < 0.08:
            return f"... on {type_name} {{ {part} }}"
        if chance < 0.12:
            return f"{part} ... {{ {part} }}"
        if chance < 0.2:
            name = f"f{self._number()}"
            self.fragments.append(f"fragment {name} on {type_name} {{ {part} }}")
            return f"...{name} {self.random.choice(CONDITIONS) if self.random.random() < 0.3 else ''}"
        return part

    def _write_field(self, name: str, definition: GraphQLField, depth: int) -> str:
        given = {
            key: value
            for key, argument in definition.args.items()
            if (is_required_argument(argument) or self.random.random() < 0.25)
            and (value := self._write_value(key, argument.type, 0)) is not None
        }
        arguments = f"({', '.join(f'{key}: {value}' for key, value in given.items())})" if given else ""
        named = get_named_type(definition.type)
        selection = self._write_selection(named, depth + 1) if is_composite_type(named) else ""
        condition = self.random.choice(CONDITIONS) if self.random.random() < 0.1 else ""
        return f"{self._alias()}: {name}{arguments} {condition} {selection}"

    def _write_value(self, name: str, type_: GraphQLInputType, depth: int) -> str | None:
        if isinstance(type_, GraphQLNonNull):
            return self._write_value(name, type_.of_type, depth)
        if name in VALUES and not isinstance(type_, GraphQLEnumType):
            return self.random.choice(VALUES[name])
        if name in self.tokens:
            return json.dumps(self.tokens[name])
        if isinstance(type_, GraphQLList):
            item = self._write_value(name, type_.of_type, depth)
            return None if item is None else f"[{item}]"
        if isinstance(type_, GraphQLEnumType):
            return str(self.random.choice(list(type_.values)))
        if isinstance(type_, GraphQLInputObjectType):
            return self._write_input(type_, depth)
        return self._write_scalar(type_.name)

    def _write_input(self, type_: GraphQLInputObjectType, depth: int) -> str | None:
        names = list(type_.fields)
        chosen = (
            [self.random.choice(names)] if type_.is_one_of or depth else self.random.sample(names, min(2, len(names)))
        )
        chosen += [name for name, found in type_.fields.items() if is_required_argument(found) and name not in chosen]
        values = {name: self._write_value(name, type_.fields[name].type, depth + 1) for name in chosen}
        return f"{{{', '.join(f'{name}: {value}' for name, value in values.items() if value is not None)}}}"

    def _write_scalar(self, name: str) -> str | None:
        values = {
            "Int": INTEGERS,
            "Boolean": ("true", "false"),
            "ID": tuple(f'"{id_}"' for id_ in (*sorted(self.ids.values()), "wrong")),
            "String": ('"MUG"', '"x"', '"london"'),
            "DateTime": ('"2020-01-01T00:00:00Z"', '"2190-01-01T00:00:00Z"'),
            "Decimal": ('"1.00"', '"100"'),
            "CurrencyCode": ('"GBP"', '"EUR"'),
            "Float": ("51.5", "-0.1"),
        }.get(name)
        return None if values is None else self.random.choice(values)

    def _alias(self) -> str:
        return f"a{self._number()}"

    def _number(self) -> int:
        self.names += 1
        return self.names
