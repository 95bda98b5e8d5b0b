"""Reviews about very many records have members of each of their groups, so that they can be decided."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.commerce.customers.decisions import ReviewDecision, decide_review
from gateway.sdk.testing.record_builders import build_customer
from gateway.storage.tables import customer_review_members, customer_reviews
from tests.commerce.customers.stored_customers import StoredCustomers, source_id
from tests.commerce.customers.test_undone_decisions import open_database


@pytest.mark.parametrize("same", [True, False])
def test_a_review_of_a_record_and_a_large_group_is_decided(tmp_path: Path, same: bool) -> None:
    with open_database(tmp_path / "gateway.db") as conn:
        stored = StoredCustomers(conn)
        values = {"email": "one@example.com", "card": "9826000000017"}
        stored.ingest("web", *[build_customer(f"c{n}", name="Margaret Ash", **values) for n in range(120)])
        stored.ingest("till", build_customer("x", name="Margeret Ash", email="one@example.com"))
        (review,) = conn.scalars(sa.select(customer_reviews.c.id))
        members = sa.select(customer_review_members.c.identity_id).where(customer_review_members.c.review_id == review)
        assert source_id("till", "x") in set(conn.scalars(members))
        assert not decide_review(conn, ReviewDecision(review_id=review, same=same), stored.context).user_errors
        assert sorted(map(len, stored.list_groups().values())) == ([121] if same else [1, 120])
