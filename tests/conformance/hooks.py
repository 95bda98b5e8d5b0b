"""What schemathesis is told of this gateway: its scalars, and what an answer by the book is."""

from __future__ import annotations

from decimal import Decimal

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from gateway.execution.codes import Code

AMOUNTS = st.decimals(min_value=0, max_value=100_000, places=2)

schemathesis.graphql.scalar("Decimal", AMOUNTS.map(lambda amount: nodes.String(str(Decimal(amount)))))
schemathesis.graphql.scalar("CurrencyCode", st.sampled_from(["GBP", "EUR", "JPY"]).map(nodes.String))
schemathesis.graphql.scalar("CountryCode", st.sampled_from(["GB", "DE", "JP"]).map(nodes.String))

OURS = {code.name for code in Code}
INVALID = {Code.GRAPHQL_PARSE_FAILED.name, Code.GRAPHQL_VALIDATION_FAILED.name}


@schemathesis.check
def answered_by_the_book(
    _context: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """In place of `not_a_server_error` and `positive_data_acceptance`, for which every error is a failure.

    What a channel is called, how many a page may have and who may see what stands in no type: a document that fits the
    schema may still be refused. But never for its form, never without a code that is documented, and never because
    something broke.
    """
    assert response.status_code < 500, f"status {response.status_code}"
    codes = [error["extensions"]["code"] for error in response.json().get("errors", [])]
    assert OURS.issuperset(codes), f"codes that are not documented: {codes}"
    assert Code.INTERNAL_SERVER_ERROR.name not in codes, "something broke"
    fits = case.meta is None or case.meta.generation.mode.is_positive
    assert not (fits and INVALID.intersection(codes)), f"a document that fits the schema is refused: {codes}"
