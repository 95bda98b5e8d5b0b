"""Properties of every type and field of the schema."""

from __future__ import annotations

import contextlib
import re
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

from gateway.execution.caller import ANONYMOUS, Caller
from gateway.execution.context import Context
from gateway.execution.directives import SemanticNonNull
from gateway.execution.errors import ForbiddenError, UnauthenticatedError
from gateway.execution.fields import Attribute, Computation, Load, Root, get_field_kind, root
from gateway.graphql.node_resolver import NODE_LOADERS
from gateway.graphql.schema import create_schema
from gateway.model.actors import CallerKind
from gateway.settings.value_types import SCOPES
from tests.databases import create_sqlite_database
from tests.graphql.world import open_small_world

SERVED = Path(__file__).parents[2] / "schema" / "served.graphql"


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return create_schema()


def list_objects(schema: GraphQLSchema) -> Iterator[GraphQLObjectType]:
    for named in schema.type_map.values():
        if isinstance(named, GraphQLObjectType) and not is_introspection_type(named):
            yield named


def list_fields(schema: GraphQLSchema) -> Iterator[tuple[GraphQLObjectType, str, GraphQLField]]:
    for named in list_objects(schema):
        for name, field in named.fields.items():
            yield named, name, field


def get_model(named: GraphQLObjectType) -> Any:
    return named.extensions["strawberry-definition"].origin.__model__


# ------------------------------------------------------------------------------------------------ kinds


def test_every_field_is_one_of_the_four_kinds_and_roots_stand_where_documents_begin_only(schema: GraphQLSchema) -> None:
    for named, name, field in list_fields(schema):
        kind = get_field_kind(field)
        assert isinstance(kind, Root if named.name in ("Query", "Mutation") else (Attribute, Computation, Load)), (
            f"{named.name}.{name}"
        )
        assert field.resolve is not None, f"{named.name}.{name}"


NULL_WITHOUT_ERROR = {
    *(
        "node",
        "channel",
        "location",
        "product",
        "category",
        "collection",
        "customer",
        "me",
        "customerMergePreview",
        "order",
        "cart",
    ),  # nothing is found
    *("stockLevels", "fulfillments", "fulfillmentOptions"),  # there is no such location or cart
}
"""Fields of Query that can be null without an error."""


def test_fields_that_are_null_only_with_an_error_are_marked(schema: GraphQLSchema) -> None:
    marked = {(named.name, name) for named, name, field in list_fields(schema) if is_marked(field)}
    assert schema.query_type is not None and schema.mutation_type is not None
    queries = {("Query", name) for name in schema.query_type.fields.keys() - NULL_WITHOUT_ERROR}
    assert marked == queries | {("Mutation", name) for name in schema.mutation_type.fields}


def is_marked(field: GraphQLField) -> bool:
    directives = field.extensions["strawberry-definition"].directives
    return any(isinstance(directive, SemanticNonNull) for directive in directives)


async def find_something(_context: Context) -> str:
    return ""


async def find_perhaps(_context: Context) -> str | None:
    return None


async def find_anything(_context: Context) -> Any:
    return None


CODEGEN = (
    *("examples/frontend/codegen.ts", "examples/react/codegen.ts", "examples/mobile/codegen.mjs"),
    "tests/conformance/codegen/config.mjs",
)


@pytest.mark.parametrize("path", CODEGEN)
def test_every_scalar_has_a_type_in_the_configurations_of_codegen(schema: GraphQLSchema, path: str) -> None:
    listed = (SERVED.parents[1] / path).read_text(encoding="utf-8").split("scalars: {")[1].split("}, ")[0]
    names = {name for name, named in schema.type_map.items() if isinstance(named, GraphQLScalarType)}
    own = {name for name in names if not is_specified_scalar_type(schema.type_map[name])}
    assert set(re.findall(r"^ +(\w+): \S", listed, re.MULTILINE)) == own


@pytest.mark.parametrize(("function", "marks"), [(find_something, 1), (find_perhaps, 0), (find_anything, 0)])
def test_the_type_of_a_function_decides_what_is_marked(function: Any, marks: int) -> None:
    assert len(list(root("", function).directives)) == marks


def test_every_attribute_is_one_of_the_model(schema: GraphQLSchema) -> None:
    for named, name, field in list_fields(schema):
        if isinstance(kind := get_field_kind(field), Attribute):
            python_name = kind.path or field.extensions["strawberry-definition"].python_name
            model = get_model(named)
            known = {*getattr(model, "__dataclass_fields__", ()), *dir(model)}
            assert python_name in known, f"{named.name}.{name}"


def test_every_node_type_can_be_found_by_its_id(schema: GraphQLSchema) -> None:
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {named.name for named in schema.get_possible_types(node)} == set(NODE_LOADERS)


# ------------------------------------------------------------------------------------------------ descriptions


def list_undescribed(schema: GraphQLSchema) -> Iterator[str]:
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
    assert list(list_undescribed(schema)) == []


def test_the_walk_over_descriptions_sees_a_missing_one() -> None:
    built = create_schema()
    built.type_map["Money"].description = None
    assert list(list_undescribed(built)) == ["Money"]


# ------------------------------------------------------------------------------------------------ scopes


def parse_shown_scopes() -> dict[str, list[list[str]]]:
    """Parse the scopes in the printed schema, by type and by type and field."""
    found: dict[str, list[list[str]]] = {}
    for node in parse(SERVED.read_text(encoding="utf-8")).definitions:
        if isinstance(node, ObjectTypeDefinitionNode):
            name = node.name.value
            parts: list[tuple[str, Any]] = [(f"{name}.{one.name.value}", one) for one in node.fields or ()]
            for path, owner in ((name, node), *parts):
                for directive in owner.directives or ():
                    if directive.name.value == "requiresScopes":
                        found[path] = read_scopes(directive)
    return found


def read_scopes(directive: Any) -> list[list[str]]:
    (argument,) = directive.arguments
    return [[scope.value for scope in needed.values] for needed in argument.value.values]


def build_caller_without(scopes: list[list[str]]) -> Caller:
    """Build a caller with every scope but these."""
    needed = {scope for alternative in scopes for scope in alternative}
    return Caller(CallerKind.STAFF, tuple(scope for scope in SCOPES if scope not in needed))


@contextlib.contextmanager
def expect_refusal(path: str, error: type[Exception]) -> Iterator[None]:
    with contextlib.suppress(error):
        yield
        pytest.fail(f"{path} is open")


@pytest.mark.anyio
async def test_every_guarded_type_and_field_is_refused_without_its_scopes(
    tmp_path: Path, schema: GraphQLSchema
) -> None:
    guarded = parse_shown_scopes()
    assert len(guarded) > 20
    async with open_small_world(create_sqlite_database(tmp_path / "gateway.db")) as world:
        for path, scopes in guarded.items():
            for caller, error in ((build_caller_without(scopes), ForbiddenError), (ANONYMOUS, UnauthenticatedError)):
                info = SimpleNamespace(context=Context(world.gateway, caller, "request"))
                with expect_refusal(path, error):
                    ask(schema, path, info)


def ask(schema: GraphQLSchema, path: str, info: Any) -> None:
    """Check the type against an object of its model, or resolve the field."""
    name, _, key = path.partition(".")
    named = schema.type_map[name]
    assert isinstance(named, GraphQLObjectType)
    if key:
        assert named.fields[key].resolve is not None
        named.fields[key].resolve(None, info)
    else:
        assert named.is_type_of is not None
        named.is_type_of(object.__new__(get_model(named)), info)


def test_the_scopes_shown_are_the_scopes_checked(schema: GraphQLSchema) -> None:
    checked = {
        f"{named.name}.{name}": [list(needed) for needed in field.extensions["strawberry-definition"].scopes]
        for named, name, field in list_fields(schema)
        if field.extensions["strawberry-definition"].scopes
    }
    assert checked == {path: scopes for path, scopes in parse_shown_scopes().items() if "." in path}


def build_context(caller: Caller) -> Context:
    gateway: Any = SimpleNamespace(now=lambda: datetime.now(UTC))
    return Context(gateway, caller, "request")


def test_a_part_of_a_guarded_type_is_guarded_as_its_owner(schema: GraphQLSchema) -> None:
    line = schema.type_map["OrderLine"]
    assert isinstance(line, GraphQLObjectType)
    assert line.is_type_of is not None
    forbidden: Any = SimpleNamespace(context=build_context(Caller(CallerKind.STAFF, ("catalogue:admin",))))
    with pytest.raises(ForbiddenError):
        line.is_type_of(object.__new__(get_model(line)), forbidden)


def test_printing_shows_what_a_default_is(schema: GraphQLSchema) -> None:
    text = print_ast(parse(SERVED.read_text(encoding="utf-8")))
    assert "direction: SortDirection! = ASC" in text
    assert "first: Int = " not in text
