"""Customer Account API: verifies the access token of a customer who has logged in to the store.

The API answers for the customer of the token. It does not say when the token expires.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.sdk import AuthError, Context, ContractError, Request, VerifiedCustomer
from gateway_shopify import graphql_values

DOCUMENT = "query VerifiedCustomer { customer { id } }"

MAX_BYTES = 20_000
"""Size of a response."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,8000}")
"""What a header can hold."""


class CustomerAccounts:
    """Client of the Customer Account API of one shop. `url`: of its GraphQL endpoint."""

    def __init__(self, url: str, context: Context) -> None:
        parts = urlsplit(url)
        self._path = parts.path
        self._http = context.http(f"{parts.scheme}://{parts.netloc}")

    async def verify_customer(self, token: str) -> VerifiedCustomer | None:
        """Return the customer of an access token; None: the store does not accept it."""
        if not _TOKEN.fullmatch(token):
            return None
        try:
            answer = await self._http.send(
                Request(
                    method="POST",
                    path=self._path,
                    headers={"authorization": token, "accept": "application/json"},
                    json={"query": DOCUMENT},
                    repeatable=True,
                    tries=2,
                    most=MAX_BYTES,
                )
            )
        except AuthError:  # of the customer's token: the gateway's own is not sent
            return None
        if answer.status != 200:
            raise ContractError(f"the Customer Account API responded with the status {answer.status}")
        return _read_customer(answer.json())


def _read_customer(body: object) -> VerifiedCustomer | None:
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, Mapping):
        raise ContractError("the response of the Customer Account API has no data")
    customer = data.get("customer")
    if customer is None:
        return None
    return VerifiedCustomer(graphql_values.get_id(customer, "Customer"))
