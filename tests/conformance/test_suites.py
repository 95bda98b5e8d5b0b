"""The third-party suites pass, and each of them detects an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from gateway.graphql.queries import changes
from tests.conformance import node
from tests.conformance.board import README, parse_table
from tests.conformance.gateway_server import Check, open_target
from tests.conformance.schemathesis_runs import run_schemathesis
from tests.conformance.suites import SUITES, Suite, run_suite

pytestmark = [pytest.mark.anyio, pytest.mark.long]
ABSENT = node.describe_missing()
LEAST = {"graphql-http": 61, "schemathesis, without a token": 51, "schemathesis, with a token": 51}


def get_suite(name: str) -> Suite:
    if ABSENT and next(suite for suite in SUITES if suite.name == name).needs_node:
        pytest.skip(ABSENT)
    return next(suite for suite in SUITES if suite.name == name)


def list_failures(checks: list[Check]) -> list[Check]:
    return [check for check in checks if not check.passed]


@pytest.mark.parametrize("name", [suite.name for suite in SUITES])
async def test_a_suite_passes(name: str) -> None:
    found = await run_suite(get_suite(name), examples=1)
    assert list_failures(found) == []
    assert len(found) >= LEAST.get(name, 3)


async def test_the_proof_a_failed_audit_is_seen() -> None:
    found = await run_suite(
        replace(get_suite("graphql-http"), tables={"server": {"draft_status_codes": True}}), examples=1
    )
    assert len(found) == 61 and list_failures(found)


async def test_the_proof_a_gateway_that_learns_no_hashes_fails_urql() -> None:
    found = await run_suite(replace(get_suite("urql"), tables={"documents": {"anonymous": "safelist"}}), examples=1)
    assert list_failures(found)


async def test_the_proof_a_field_that_breaks_fails_schemathesis(tmp_path: Path) -> None:
    broken = patch.object(changes, "change_feed", None)  # so that Query.changes has no data source
    async with open_target(tmp_path) as running:
        with broken:
            found = await run_schemathesis(running, examples=20, only="Query.changes")
    assert any("something broke" in str(check.reason) for check in list_failures(found))


def test_the_board_in_the_readme_names_every_suite_in_its_version_and_none_has_failed() -> None:
    rows = parse_table(README.read_text(encoding="utf-8"))
    assert [row[:3] for row in rows] == [[suite.name, suite.version, suite.proves] for suite in SUITES]
    for name, *_, passed in rows:
        number, _, all_of_them = passed.partition(" of ")
        assert number == all_of_them
        assert int(number.replace(",", "")) >= (5_000 if name.startswith("schemathesis") else LEAST.get(name, 3))
