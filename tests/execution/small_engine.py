"""Executes documents over the small schema: compiled, or by the reference executor."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from gateway.execution import executor
from gateway.execution.caching.change_follower import ChangeFollower
from gateway.execution.caching.known_products import KnownProducts
from gateway.execution.caching.rendered_objects import RenderedObjects
from gateway.execution.caching.response_cache import ResponseCache
from gateway.execution.caching.response_templates import ResponseTemplates
from gateway.execution.caller import Caller
from gateway.execution.compiler import plan
from gateway.execution.compiler.plan import MAX_PLAN_CHARACTERS, PlanCache
from gateway.execution.context import Context
from gateway.execution.document_cache import DocumentCache, PreparedDocument
from gateway.execution.executor import execute_operation
from gateway.execution.query_runtime import QueryRuntime
from gateway.execution.request import GraphQLRequest
from gateway.execution.response import GraphQLResponse
from gateway.model.actors import CallerKind
from gateway.settings.schema import LimitsTable
from gateway.storage.database import Database
from tests.execution.behavior import NO_DATA, Behavior
from tests.execution.published_schema import Thing, create_small_schema

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class NoChanges(ChangeFollower):
    """Follows a change log that stays empty."""

    def __init__(self) -> None:
        super().__init__(cast(Database, None))

    @property
    def is_current(self) -> bool:
        return True


@dataclass
class SmallRuntime:
    """The part of a gateway that the executors need. `results`: what root fields return, by their argument."""

    results: Mapping[str, Any]
    changes_seen: ChangeFollower = field(default_factory=NoChanges)
    settings: Any = field(default_factory=lambda: SimpleNamespace(server=SimpleNamespace(exposes_schema=True)))
    database: Any = None

    @cached_property
    def responses(self) -> ResponseCache:
        return ResponseCache(self.database, self.changes_seen, 0, self.now)

    @cached_property
    def rendered(self) -> RenderedObjects:
        return RenderedObjects(self.changes_seen, 1, self.now)

    @cached_property
    def templates(self) -> ResponseTemplates:
        return ResponseTemplates(self.database, self.changes_seen, self.rendered, 0, self.now)

    @cached_property
    def known_products(self) -> KnownProducts:
        return KnownProducts(self.changes_seen, 0, self.now)

    async def record_denials(self, *_: object) -> None:
        """Do nothing: the context has them."""

    def now(self) -> datetime:
        return NOW


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an engine has answered.

    Attributes:
        body: the response as JSON, without ids of requests, its errors by path.
        size: how much of the response's size is left, if there are no errors.
        caching: whether shared caches may store it, and the resources that it depends on, if there are no errors.
        is_compiled: whether the compiled function has answered.
        has_failed: whether it has failed where the reference executor has not.
    """

    body: str
    size: int | None
    caching: tuple[bool, tuple[str, ...]] | None
    is_compiled: bool
    has_failed: bool


@cache
def prepare_document(text: str) -> PreparedDocument:
    """Parse and validate a document, once per process."""
    prepared = DocumentCache(create_small_schema(), LimitsTable()).prepare(text)
    assert not prepared.errors, prepared.errors
    return prepared


async def answer(behavior: Behavior, executions: int, *, by_get: bool) -> Outcome:
    """Answer a document. `executions`: of the reference executor, before it is compiled."""
    context = create_context(behavior, by_get=by_get)
    with record_reference() as calls:
        response = await execute(behavior, context, executions)
    is_right = "errors" not in response.body
    policy = context.cache_policy
    caching = (policy.is_shared, tuple(sorted(one.name for one in policy.get_resources())))
    return Outcome(
        render(response.body),
        context.fields_left if is_right else None,
        caching if is_right and by_get else None,
        not calls,
        is_right and context.plan_error is not None,
    )


async def execute(behavior: Behavior, context: Context, executions: int) -> GraphQLResponse:
    """Execute a document, of which nothing is compiled yet."""
    return await execute_prepared(prepare_anew(behavior.text), behavior, context, executions)


def prepare_anew(text: str) -> PreparedDocument:
    """Prepare a document, of which nothing is compiled yet."""
    prepared = prepare_document(text)
    if prepared.plans is None:
        return prepared
    assert prepared.document is not None
    return replace(prepared, plans=PlanCache(MAX_PLAN_CHARACTERS).add_document(prepared.document))


async def execute_prepared(
    prepared: PreparedDocument, behavior: Behavior, context: Context, executions: int
) -> GraphQLResponse:
    """Execute a document."""
    request = GraphQLRequest(behavior.text, behavior.variables, behavior.operation)
    with patch.object(plan, "COMPILED_AFTER", executions):
        response = await execute_operation(create_small_schema(), prepared, context, request)
    context.close()
    return response


def create_context(behavior: Behavior, *, by_get: bool, before: Context | None = None) -> Context:
    """Create the context of a request. `before`: of another one, whose caches it has."""
    runtime = SmallRuntime({"thing": Thing(), **behavior.values})
    if before is not None:
        runtime.rendered = before.gateway.rendered
    caller = Caller(CallerKind.STAFF, behavior.scopes, name="test")
    context = Context(cast(QueryRuntime, runtime), caller, "id", by_get=by_get)
    context.guest_ids |= behavior.guest_ids
    return context


@contextmanager
def record_reference() -> Iterator[list[object]]:
    """Record what the reference executor executes."""
    calls: list[object] = []
    execute_usual = executor.execute_by_reference

    async def execute_recorded(*arguments: Any) -> Any:
        calls.append(arguments)
        return await execute_usual(*arguments)

    with patch.object(executor, "execute_by_reference", execute_recorded):
        yield calls


def render(body: dict[str, Any]) -> str:
    """Render a response; keys have their order."""
    errors = sorted(body.get("errors", ()), key=json.dumps)
    return json.dumps(body | ({"errors": errors} if errors else {}))


def describe_expected(behavior: Behavior) -> tuple[str, list[Any]]:
    """Describe the data of a response, and the code and the path of each error."""
    data = "absent" if behavior.data is NO_DATA else json.dumps(behavior.data)
    return data, sorted([[code, None if path is None else [*path]] for code, path in behavior.errors], key=json.dumps)


def describe_found(outcome: Outcome) -> tuple[str, list[Any]]:
    """Describe a response as `describe_expected` does."""
    body = json.loads(outcome.body)
    data = json.dumps(body["data"]) if "data" in body else "absent"
    errors = [[error["extensions"]["code"], error.get("path")] for error in body.get("errors", ())]
    return data, sorted(errors, key=json.dumps)
