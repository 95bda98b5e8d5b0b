"""Hooks of schemathesis: custom scalars, and the definition of an expected response."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import schemathesis
from graphql import DocumentNode, NullValueNode, ObjectValueNode, Visitor, visit
from graphql.language import ast
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from gateway.execution.error_codes import Code

AMOUNTS = st.decimals(min_value=0, max_value=100_000, places=2)

INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 a zone is added

schemathesis.graphql.scalar("Decimal", AMOUNTS.map(str).map(nodes.String))
schemathesis.graphql.scalar("DateTime", INSTANTS.map(datetime.isoformat).map(nodes.String))
schemathesis.graphql.scalar("CurrencyCode", st.sampled_from(["GBP", "EUR", "JPY"]).map(nodes.String))
schemathesis.graphql.scalar("CountryCode", st.sampled_from(["GB", "DE", "JP"]).map(nodes.String))

OURS = {code.name for code in Code}
INVALID = {Code.GRAPHQL_PARSE_FAILED.name, Code.GRAPHQL_VALIDATION_FAILED.name}


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: DocumentNode) -> DocumentNode:
    """Reduce arguments of @oneOf types to one field: the generator does not know the directive."""
    changed: DocumentNode = visit(body, OneOf())
    return changed


UNKNOWN = ast.ObjectFieldNode(name=ast.NameNode(value="id"), value=nodes.String("unknown"))


class OneOf(Visitor):
    """Keeps one field of an argument `by`, whose type is always a @oneOf type."""

    def enter_argument(self, node: ast.ArgumentNode, *_: Any) -> ast.ArgumentNode | None:
        if node.name.value != "by" or not isinstance(node.value, ObjectValueNode):
            return None
        given = [field for field in node.value.fields if not isinstance(field.value, NullValueNode)]
        left = ObjectValueNode(fields=tuple(given[:1]) or (UNKNOWN,))
        return ast.ArgumentNode(name=node.name, value=left)


@schemathesis.check
def check_expected_response(
    _context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Check a response; replaces `not_a_server_error` and `positive_data_acceptance`, for which every error is a
    failure.

    The types do not express channel keys, page sizes and scopes, so a document that fits the schema may still be
    refused: but never for its form, never without a documented code, and never because of an internal error.
    """
    assert response.status_code < 500, f"status {response.status_code}"
    codes = [error["extensions"]["code"] for error in response.json().get("errors", [])]
    assert OURS.issuperset(codes), f"codes that are not documented: {codes}"
    assert Code.INTERNAL_SERVER_ERROR.name not in codes, "something broke"
    fits = case.meta is None or case.meta.generation.mode.is_positive
    assert not (fits and INVALID.intersection(codes)), f"a document that fits the schema is refused: {codes}"
