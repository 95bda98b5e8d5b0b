"""Every suite of others that the gateway is put to."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.conformance import fuzzing, node
from tests.conformance.places import Check, Place, place
from tests.graphql.world import ADMIN

BY_IDS: Mapping[str, Any] = {"documents": {"known": "ids"}}
"""Callers with a token run nothing but what was pushed; the others run anything."""


@dataclass(frozen=True)
class Suite:
    """One of them.

    Attributes:
        name: of the tool, as others know it.
        version: the one that is pinned.
        proves: what passing means.
        run: puts a running gateway to it; the number is how many documents a root field gets, where they are made up.
        needs_node: whether it runs in Node.
        tables: of the gateway's configuration.
    """

    name: str
    version: str
    proves: str
    run: Callable[[Place, int], Awaitable[list[Check]]]
    needs_node: bool = True
    tables: Mapping[str, Any] = field(default_factory=dict)


def _in_node(name: str, package: str, script: str, proves: str) -> Suite:
    async def run(place: Place, _examples: int) -> list[Check]:
        return await node.run_suite(script, place)

    return Suite(name, node.versions()[package], proves, run, tables=BY_IDS)


def _at_random(token: str | None, proves: str) -> Suite:
    name = f"schemathesis, {'without' if token is None else 'with'} a token"
    run = partial(fuzzing.fuzzed, token=token)
    return Suite(name, version("schemathesis"), proves, run, needs_node=False)


SUITES = (
    _in_node("graphql-http", "graphql-http", "audits.mjs", "the public audits of GraphQL over HTTP"),
    _in_node(
        "Apollo Client",
        "@apollo/client",
        "apollo.mjs",
        "queries and its cache, automatic persisted queries over POST and GET, a pushed manifest, `documentId`",
    ),
    _in_node(
        "urql",
        "@urql/core",
        "urql.mjs",
        "POST and GET, its exchange for persisted documents, a pushed manifest, `documentId`",
    ),
    _in_node(
        "Relay",
        "relay-compiler",
        "relay.mjs",
        "its compiler with persisted documents, connections and refetching, and its runtime by ids alone",
    ),
    _in_node(
        "graphql-codegen",
        "@graphql-codegen/cli",
        "codegen.mjs",
        "the client preset over `schema/operations`, `tsc --strict`, and the compiled program by ids alone",
    ),
    _in_node(
        "graphql-eslint",
        "@graphql-eslint/eslint-plugin",
        "lint.mjs",
        "its recommended and Relay rules over the schema, its rules for operations over `schema/operations`",
    ),
    _at_random(None, "documents at random, valid and not: refused with a documented code or answered, never broken"),
    _at_random(ADMIN, "the same, for somebody who may do everything"),
)


async def outcome(suite: Suite, examples: int) -> list[Check]:
    """What a suite finds in a gateway of its own."""
    with tempfile.TemporaryDirectory() as folder:
        async with place(Path(folder), **suite.tables) as running:
            return await suite.run(running, examples)
