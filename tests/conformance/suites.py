"""The third-party conformance suites that the gateway runs against."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.conformance import node, schemathesis_runs
from tests.conformance.gateway_server import Check, ConformanceTarget, open_target
from tests.graphql.world import ADMIN

BY_IDS: Mapping[str, Any] = {"documents": {"known": "ids"}}
"""Callers with a token run published documents only; other callers run any document."""


@dataclass(frozen=True)
class Suite:
    """A conformance suite.

    Attributes:
        name: of the tool.
        version: the pinned version.
        proves: what passing means.
        run: runs the suite against a gateway; the number is the count of random documents per root field.
        needs_node: whether it runs in Node.
        tables: of the gateway's configuration.
    """

    name: str
    version: str
    proves: str
    run: Callable[[ConformanceTarget, int], Awaitable[list[Check]]]
    needs_node: bool = True
    tables: Mapping[str, Any] = field(default_factory=dict)


def _build_node_suite(name: str, package: str, script: str, proves: str) -> Suite:
    async def run(target: ConformanceTarget, _examples: int) -> list[Check]:
        return await node.run_suite(script, target)

    return Suite(name, node.read_versions()[package], proves, run, tables=BY_IDS)


def _build_random_suite(token: str | None, proves: str) -> Suite:
    name = f"schemathesis, {'without' if token is None else 'with'} a token"
    run = partial(schemathesis_runs.run_schemathesis, token=token)
    return Suite(name, version("schemathesis"), proves, run, needs_node=False)


SUITES = (
    _build_node_suite("graphql-http", "graphql-http", "audits.mjs", "the public audits of GraphQL over HTTP"),
    _build_node_suite(
        "Apollo Client",
        "@apollo/client",
        "apollo.mjs",
        "queries and cache, automatic persisted queries over POST and GET, a pushed manifest, `documentId`",
    ),
    _build_node_suite(
        "urql",
        "@urql/core",
        "urql.mjs",
        "POST and GET, its persisted exchange, a pushed manifest, `documentId`",
    ),
    _build_node_suite(
        "Relay",
        "relay-compiler",
        "relay.mjs",
        "its compiler with persisted documents, connections and refetching, and its runtime with ids only",
    ),
    _build_node_suite(
        "graphql-codegen",
        "@graphql-codegen/cli",
        "codegen.mjs",
        "the client preset with `schema/operations`, `tsc --strict`, and the compiled program with ids only",
    ),
    _build_node_suite(
        "graphql-eslint",
        "@graphql-eslint/eslint-plugin",
        "lint.mjs",
        "its recommended and Relay rules for the schema, its operation rules for `schema/operations`",
    ),
    _build_random_suite(
        None,
        "random documents, valid and invalid: answered, or rejected with a documented code, without internal errors",
    ),
    _build_random_suite(ADMIN, "the same, with all scopes"),
)


async def run_suite(suite: Suite, examples: int) -> list[Check]:
    """Run a suite against a gateway of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_target(Path(folder), **suite.tables) as running:
            return await suite.run(running, examples)
