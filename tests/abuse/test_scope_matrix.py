"""What each principal gets of every field and node is what was reviewed: a new field without a decision fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.abuse.scope_matrix import SNAPSHOT, open_matrix_world, render_fields, render_matrix
from tests.databases import create_sqlite_database
from tests.graphql.world import get_schema

pytestmark = pytest.mark.anyio


async def test_the_matrix_is_the_reviewed_one(tmp_path: Path) -> None:
    async with open_matrix_world(create_sqlite_database(tmp_path / "gateway.db")) as world:
        found = (await render_matrix(world)).splitlines()
    reviewed = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    assert [line for line in found if line not in reviewed] == [], "review, then: python -m tests.abuse.scope_matrix"
    assert [line for line in reviewed if line not in found] == []


def test_the_proof_a_field_that_opens_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    order: Any = get_schema().type_map["Order"]
    definition = order.fields["contact"].extensions["strawberry-definition"]
    monkeypatch.setattr(definition, "metadata", {**definition.metadata, "scopes": []})
    assert [line for line in render_fields() if line not in SNAPSHOT.read_text(encoding="utf-8").splitlines()] == [
        "field Order.contact: anonymous=- owner=shown clerk=shown support=shown partner=- shop=shown admin=shown"
    ]
