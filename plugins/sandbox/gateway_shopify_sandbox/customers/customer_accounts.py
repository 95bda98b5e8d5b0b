"""Customer Account API of the sandbox: customers log in without a password, and read themselves."""

from __future__ import annotations

import json
import secrets
from functools import cache
from typing import Any

from graphql import GraphQLError, GraphQLSchema, build_schema, graphql_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway_shopify_sandbox.state import API_VERSION, Node

PATH = f"/customer/api/{API_VERSION}/graphql"

SCHEMA = """
type Query { customer: Customer }
type Customer {
  id: ID! firstName: String lastName: String displayName: String! emailAddress: CustomerEmailAddress
}
type CustomerEmailAddress { emailAddress: String }
"""
"""The part of the API that a client needs to find out who has logged in."""


@cache
def load_schema() -> GraphQLSchema:
    """Build the schema."""
    return build_schema(SCHEMA)


class CustomerLogins:
    """The customers who have logged in, by their access tokens."""

    def __init__(self) -> None:
        self._customers: dict[str, Node] = {}

    def add_login(self, customer: Node) -> str:
        """Log a customer in, and return the access token."""
        token = f"shcat_{secrets.token_urlsafe(24)}"
        self._customers[token] = customer
        return token

    def end_login(self, token: str) -> None:
        """Log a customer out."""
        self._customers.pop(token, None)

    def build_route(self) -> Route:
        """Build the route of the API."""
        return Route(PATH, self._serve, methods=["POST"])

    async def _serve(self, request: Request) -> Response:
        customer = self._customers.get(request.headers.get("authorization", ""))
        if customer is None:
            return JSONResponse({"errors": [{"message": "Invalid token"}]}, 401)
        given = json.loads(await request.body())
        result = graphql_sync(load_schema(), given["query"], {"customer": _describe(customer)})
        return JSONResponse({"data": result.data, **_list_errors(result.errors)})


def _list_errors(errors: list[GraphQLError] | None) -> dict[str, Any]:
    return {"errors": [error.formatted for error in errors]} if errors else {}


def _describe(customer: Node) -> dict[str, Any]:
    names = [customer.get("firstName"), customer.get("lastName")]
    return {
        "id": customer["id"],
        "firstName": names[0],
        "lastName": names[1],
        "displayName": " ".join(name for name in names if name),
        "emailAddress": {"emailAddress": customer.get("email")},
    }
