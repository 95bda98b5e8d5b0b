"""Executes compiled operations, or answers them from the response cache (rules E1 and E3)."""

from __future__ import annotations

from functools import partial
from typing import Any

from graphql import DocumentNode, Executor, GraphQLSchema

from gateway.execution.bounded_executor import BoundedExecutor
from gateway.execution.caching.cache_control import CachePolicy, DataKind
from gateway.execution.caching.response_cache import CachedResponse, build_response_key
from gateway.execution.caller import Caller
from gateway.execution.compiler.plan import DocumentPlans
from gateway.execution.compiler.run import PlanRun, run_plan
from gateway.execution.context import Context
from gateway.execution.query_runtime import QueryRuntime
from gateway.execution.request import GraphQLRequest
from gateway.execution.response import GraphQLResponse, build_cached_response


async def execute_compiled(
    schema: GraphQLSchema, document: DocumentNode, plans: DocumentPlans, context: Context, request: GraphQLRequest
) -> GraphQLResponse | None:
    """Execute a compiled query. None: it is not compiled, or the reference executor is to report an error.

    Raises:
        StorageUnavailableError: the database could not be used to check whether a cached response is right.
    """
    key, is_current = _build_key(plans, context, request), False
    if key is not None and request.operation_name in plans.cacheable and _may_be_cached(context.gateway, key):
        cached, is_current = await _find_cached(key, context), True
        if cached is not None:
            return build_cached_response(cached)
    run = _open_run(schema, document, plans, context, request)
    if run is None:
        return None
    gateway = context.gateway
    if run.plan.rendered and not is_current and (gateway.rendered.is_enabled or gateway.known_products.is_enabled):
        await run.follow_changes()
        is_current = True
    context.generation = run.generation if is_current else None
    response = await _respond(run, plans, key, request)
    if response is not None and run.has_computed:
        plans.store_prepared(request.operation_key, run.plan, run.arguments, tracks=context.by_get)
    return response


async def execute_compiled_mutation(
    schema: GraphQLSchema, document: DocumentNode, plans: DocumentPlans, context: Context, request: GraphQLRequest
) -> GraphQLResponse | None:
    """Execute a compiled mutation. None: it is not compiled, or the reference executor is to report an error.

    Nothing of it is cached: its arguments have tokens, and its response shows what it has just written.
    """
    executor = _build_executor(schema, document, context, request)
    plan = None if executor is None else plans.find(executor, tracks=context.by_get)
    data = None if plan is None else await run_plan(PlanRun(plan, lambda: executor, context, request))
    return None if data is None else GraphQLResponse({"data": data})


async def _respond(
    run: PlanRun, plans: DocumentPlans, key: str | None, request: GraphQLRequest
) -> GraphQLResponse | None:
    if key is None or not run.plan.dependencies.is_cacheable:
        data = await _run(run)
        return None if data is None else GraphQLResponse({"data": data})
    plans.cacheable.add(request.operation_name)
    with run.context.gateway.responses.announce(key):
        return await _run_cacheable(run, key)


def _open_run(
    schema: GraphQLSchema, document: DocumentNode, plans: DocumentPlans, context: Context, request: GraphQLRequest
) -> PlanRun | None:
    """Open the run of a plan. None: there is no plan, or the variables are invalid."""
    prepared = plans.find_prepared(request.operation_key, tracks=context.by_get)
    if prepared is not None:
        build = partial(_build_executor, schema, document, context, request)
        return PlanRun(prepared[0], build, context, request, prepared[1])
    executor = _build_executor(schema, document, context, request)
    plan = None if executor is None else plans.find(executor, tracks=context.by_get)
    return None if plan is None else PlanRun(plan, lambda: executor, context, request)


def find_ready_response(
    gateway: QueryRuntime, plans: DocumentPlans, request: GraphQLRequest, caller: Caller, *, by_get: bool
) -> CachedResponse | None:
    """Return a cached response, or compose one, if nothing has to be waited for."""
    if request.operation_name not in plans.cacheable:
        return None
    key = build_response_key(plans.key, request, caller, by_get=by_get)
    if key is None:
        return None
    return gateway.responses.find_ready(key) or _keep(gateway, key, gateway.templates.compose_ready(key))


def _keep(gateway: QueryRuntime, key: str, composed: CachedResponse | None) -> CachedResponse | None:
    """Cache a response that was composed."""
    if composed is not None:
        gateway.responses.add(key, composed)
    return composed


def _may_be_cached(gateway: QueryRuntime, key: str) -> bool:
    """Return whether it is worth a statement to find a cached response."""
    return gateway.responses.is_enabled or gateway.templates.has_template(key)


def _build_key(plans: DocumentPlans, context: Context, request: GraphQLRequest) -> str | None:
    gateway = context.gateway
    if not (gateway.responses.is_enabled or gateway.templates.is_enabled):
        return None
    return build_response_key(plans.key, request, context.caller, by_get=context.by_get)


async def _find_cached(key: str, context: Context) -> CachedResponse | None:
    """Find a cached response, or compose one; if an equal request is in progress, wait for its response.

    The request keeps its slot meanwhile: otherwise any number of them could begin at once.
    """
    found = await _find_or_compose(key, context.gateway)
    if found is None and await context.gateway.responses.wait_for_equal(key):
        found = await _find_or_compose(key, context.gateway)
    return _use(found, context)


async def _find_or_compose(key: str, gateway: QueryRuntime) -> CachedResponse | None:
    return await gateway.responses.find(key) or _keep(gateway, key, await gateway.templates.compose(key))


def _use(found: CachedResponse | None, context: Context) -> CachedResponse | None:
    if found is not None and context.by_get:
        context.cache_policy = found.policy
    return found


def _build_executor(
    schema: GraphQLSchema, document: DocumentNode, context: Context, request: GraphQLRequest
) -> Executor[None] | None:
    """Build what the compiled function reads variables from; None: they are invalid."""
    try:
        executor = BoundedExecutor.build(
            schema,
            document,
            context_value=context,
            raw_variable_values=dict(request.variables),
            operation_name=request.operation_name,
            hide_suggestions=not context.may_see_schema,
        )
    except RecursionError:  # the variables are nested too deeply
        return None
    return None if isinstance(executor, list) else executor


async def _run(run: PlanRun) -> dict[str, Any] | None:
    """Run a plan, and cache the objects that it has rendered. None: the reference executor completes the operation."""
    data = await run_plan(run)
    if data is not None and not _is_uncacheable(run.context.cache_policy):
        run.store_rendered()
    return data


def _is_uncacheable(policy: CachePolicy) -> bool:
    """Whether a response must not be cached: a page of a ranking that expires, or a live read."""
    return policy.is_uncacheable or DataKind.PRIVATE in policy.added_kinds


async def _run_cacheable(run: PlanRun, key: str) -> GraphQLResponse | None:
    """Run a plan, and cache its response, and its template."""
    responses, policy = run.context.gateway.responses, run.context.cache_policy
    data = await _run(run)
    if data is None:
        return None
    is_cacheable = not _is_uncacheable(policy)
    has_template = is_cacheable and _store_template(run, key, data)
    if is_cacheable and responses.is_enabled:
        cached = responses.store(key, data, policy, run.dependencies, run.generation, run.page_checks)
        return GraphQLResponse({"data": data}, cached=cached)
    if not has_template:
        responses.mark_uncacheable(key)
    return GraphQLResponse({"data": data})


def _store_template(run: PlanRun, key: str, data: dict[str, Any]) -> bool:
    """Store the template of a response. Returns whether it has one."""
    templates, objects = run.context.gateway.templates, run.rendered_objects
    if objects is None or not templates.is_enabled:
        return False
    templates.store(key, data, objects, run.context.cache_policy, run.generation, run.page_checks)
    return True
