"""What holds for every type and field of the schema."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    is_introspection_type,
    is_specified_scalar_type,
    parse,
    print_ast,
)

from gateway.execution.caller import ANONYMOUS, Caller, CallerKind
from gateway.execution.context import Context
from gateway.execution.errors import ForbiddenError, UnauthenticatedError
from gateway.execution.fields import Attribute, Load, Pure, Root, kind_of
from gateway.graphql.nodes import NODES
from gateway.graphql.schema import build
from gateway.settings import SCOPES
from tests.databases import sqlite_database
from tests.graphql.world import small_world

SERVED = Path(__file__).parents[2] / "schema" / "served.graphql"


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build()


def objects(schema: GraphQLSchema) -> Iterator[GraphQLObjectType]:
    for named in schema.type_map.values():
        if isinstance(named, GraphQLObjectType) and not is_introspection_type(named):
            yield named


def fields(schema: GraphQLSchema) -> Iterator[tuple[GraphQLObjectType, str, GraphQLField]]:
    for named in objects(schema):
        for name, field in named.fields.items():
            yield named, name, field


def model_of(named: GraphQLObjectType) -> Any:
    return named.extensions["strawberry-definition"].origin.__model__


# ------------------------------------------------------------------------------------------------ kinds


def test_every_field_is_one_of_the_four_kinds_and_roots_stand_where_documents_begin_only(schema: GraphQLSchema) -> None:
    for named, name, field in fields(schema):
        kind = kind_of(field)
        assert isinstance(kind, Root if named.name in ("Query", "Mutation") else (Attribute, Pure, Load)), (
            f"{named.name}.{name}"
        )
        assert field.resolve is not None, f"{named.name}.{name}"


def test_every_attribute_is_one_of_the_model(schema: GraphQLSchema) -> None:
    for named, name, field in fields(schema):
        if isinstance(kind := kind_of(field), Attribute):
            python_name = kind.path or field.extensions["strawberry-definition"].python_name
            model = model_of(named)
            known = {*getattr(model, "__dataclass_fields__", ()), *dir(model)}
            assert python_name in known, f"{named.name}.{name}"


def test_every_node_type_can_be_found_by_its_id(schema: GraphQLSchema) -> None:
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {named.name for named in schema.get_possible_types(node)} == set(NODES)


# ------------------------------------------------------------------------------------------------ descriptions


def undescribed(schema: GraphQLSchema) -> Iterator[str]:
    for name, named in schema.type_map.items():
        if is_introspection_type(named) or (isinstance(named, GraphQLScalarType) and is_specified_scalar_type(named)):
            continue
        if not named.description:
            yield name
        if isinstance(named, GraphQLEnumType):
            yield from (f"{name}.{key}" for key, value in named.values.items() if not value.description)
        if isinstance(named, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for key, field in named.fields.items():
                if not field.description:
                    yield f"{name}.{key}"
                arguments = getattr(field, "args", {}).items()
                yield from (f"{name}.{key}({one})" for one, value in arguments if not value.description)
    yield from (f"@{directive.name}" for directive in schema.directives if not directive.description)


def test_everything_has_a_description(schema: GraphQLSchema) -> None:
    assert list(undescribed(schema)) == []


def test_the_walk_over_descriptions_sees_a_missing_one() -> None:
    built = build()
    built.type_map["Money"].description = None
    assert list(undescribed(built)) == ["Money"]


# ------------------------------------------------------------------------------------------------ scopes


def shown() -> dict[str, list[list[str]]]:
    """The scopes that the served schema shows, by type, and by type and field."""
    found: dict[str, list[list[str]]] = {}
    for node in parse(SERVED.read_text(encoding="utf-8")).definitions:
        if isinstance(node, ObjectTypeDefinitionNode):
            name = node.name.value
            parts: list[tuple[str, Any]] = [(f"{name}.{one.name.value}", one) for one in node.fields or ()]
            for place, owner in ((name, node), *parts):
                for directive in owner.directives or ():
                    if directive.name.value == "requiresScopes":
                        found[place] = read_scopes(directive)
    return found


def read_scopes(directive: Any) -> list[list[str]]:
    (argument,) = directive.arguments
    return [[scope.value for scope in needed.values] for needed in argument.value.values]


def lacking(scopes: list[list[str]]) -> Caller:
    """A caller who may do everything else."""
    needed = {scope for alternative in scopes for scope in alternative}
    return Caller(CallerKind.STAFF, tuple(scope for scope in SCOPES if scope not in needed))


@contextlib.contextmanager
def refused(place: str, error: type[Exception]) -> Iterator[None]:
    with contextlib.suppress(error):
        yield
        pytest.fail(f"{place} is open")


@pytest.mark.anyio
async def test_every_guarded_type_and_field_is_refused_without_its_scopes(
    tmp_path: Path, schema: GraphQLSchema
) -> None:
    guarded = shown()
    assert len(guarded) > 20
    async with small_world(sqlite_database(tmp_path / "gateway.db")) as world:
        for place, scopes in guarded.items():
            for caller, error in ((lacking(scopes), ForbiddenError), (ANONYMOUS, UnauthenticatedError)):
                info = SimpleNamespace(context=Context(world.gateway, caller, "request"))
                with refused(place, error):
                    ask(schema, place, info)


def ask(schema: GraphQLSchema, place: str, info: Any) -> None:
    """Show the type an object of its model, or resolve the field."""
    name, _, key = place.partition(".")
    named = schema.type_map[name]
    assert isinstance(named, GraphQLObjectType)
    if key:
        assert named.fields[key].resolve is not None
        named.fields[key].resolve(None, info)
    else:
        assert named.is_type_of is not None
        named.is_type_of(object.__new__(model_of(named)), info)


def test_the_scopes_shown_are_the_scopes_checked(schema: GraphQLSchema) -> None:
    checked = {
        f"{named.name}.{name}": [list(needed) for needed in field.extensions["strawberry-definition"].scopes]
        for named, name, field in fields(schema)
        if field.extensions["strawberry-definition"].scopes
    }
    assert checked == {place: scopes for place, scopes in shown().items() if "." in place}


def context_of(caller: Caller) -> Context:
    gateway: Any = SimpleNamespace(now=lambda: datetime.now(UTC))
    return Context(gateway, caller, "request")


def test_a_part_of_a_guarded_type_is_guarded_as_its_owner(schema: GraphQLSchema) -> None:
    line = schema.type_map["OrderLine"]
    assert isinstance(line, GraphQLObjectType)
    assert line.is_type_of is not None
    forbidden: Any = SimpleNamespace(context=context_of(Caller(CallerKind.STAFF, ("catalogue:admin",))))
    with pytest.raises(ForbiddenError):
        line.is_type_of(object.__new__(model_of(line)), forbidden)


def test_printing_shows_what_a_default_is(schema: GraphQLSchema) -> None:
    text = print_ast(parse(SERVED.read_text(encoding="utf-8")))
    assert "direction: SortDirection! = ASC" in text
    assert "first: Int = " not in text
