"""Runs a plan: resolves the root fields, computes arguments, and loads one batch per level."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cached_property
from typing import Any

from graphql import Executor, GraphQLObjectType, GraphQLResolveInfo
from graphql.execution.values import get_argument_values
from graphql.pyutils import Path

from gateway.execution.batch_loader import BatchLoader
from gateway.execution.caching.cache_control import DataKind
from gateway.execution.caching.page_check import PageCheck
from gateway.execution.caching.rendered_objects import RenderedKey, RenderedSelection
from gateway.execution.caching.response_cache import (
    MAX_KEY_LENGTH,
    MAX_STOCKED_IDS,
    Dependencies,
)
from gateway.execution.compiler.generator import get_root_type
from gateway.execution.compiler.plan import Plan
from gateway.execution.compiler.sites import FieldUse
from gateway.execution.context import Batch, Context, raise_first
from gateway.execution.errors import AnswerTooLargeError
from gateway.execution.fields import get_argument_converter
from gateway.execution.request import GraphQLRequest, encode_variables
from gateway.storage.errors import StorageUnavailableError


async def run_plan(run: PlanRun) -> dict[str, Any] | None:
    """Run a plan. Returns the data, or None after any error: then the executor completes the operation.

    The context keeps the results of the root fields, so that none of them runs twice, and whole objects that have been
    loaded. If the response has too many fields, the context is exhausted.

    Raises:
        StorageUnavailableError: the database could not be used.
    """
    context = run.context
    try:
        if run.is_single_read:
            return await context.read_once(run.start)
        return await run.plan.function(run)
    except StorageUnavailableError:  # then nothing of the response is sent
        raise
    except Exception as error:  # noqa: BLE001 the reference executor meets the same error, and reports it
        if not isinstance(error, AnswerTooLargeError):
            context.fields_left += run.spent
            context.plan_error = error
        return None


class _Arguments(dict[int, dict[str, Any]]):
    """The arguments of each field, by its number, computed when they are first read."""

    def __init__(self, run: PlanRun, known: Mapping[int, dict[str, Any]]) -> None:
        super().__init__(known)
        self._run = run

    def __missing__(self, number: int) -> dict[str, Any]:
        self[number] = found = self._run.compute_arguments(self._run.plan.uses[number])
        return found


class PlanRun:
    """One run of a plan: what its function reads.

    Args:
        build_executor: builds what arguments are computed from; None, if the variables are invalid.
        known: arguments that an equal request has computed; None: there was none.

    Attributes:
        plan: what is run.
        arguments: those of each field, by its number.
        generation: that of the changes seen before anything is loaded.
        spent: the size of the response so far, in fields.
    """

    def __init__(
        self,
        plan: Plan,
        build_executor: Callable[[], Executor[Any] | None],
        context: Context,
        request: GraphQLRequest,
        known: Mapping[int, dict[str, Any]] | None = None,
    ) -> None:
        self.context = context
        self.spent = 0
        self.plan = plan
        self._variables = request.variables
        self._known = known
        self.arguments = _Arguments(self, known or {})
        self.generation = context.gateway.changes_seen.generation
        self._selections: list[RenderedSelection] = []
        self._stocked_ids: set[str] = set()
        self._fields_left = context.fields_left
        self._build_executor = build_executor

    @cached_property
    def _executor(self) -> Executor[Any]:
        executor = self._build_executor()
        assert executor is not None
        return executor

    @property
    def has_computed(self) -> bool:
        """Whether arguments were computed that were not known."""
        return self._known is None or len(self.arguments) > len(self._known)

    async def follow_changes(self) -> None:
        """Find what was committed before now, so that no cached object is older.

        Raises:
            StorageUnavailableError: the database cannot be used now.
        """
        await self.context.gateway.changes_seen.catch_up()
        self.generation = self.context.gateway.changes_seen.generation

    @property
    def limit(self) -> int:
        """The size by which the response may still grow."""
        return self.context.fields_left

    def spend(self, fields: int) -> None:
        """Count fields of the response. Raises as `Context.spend`."""
        self.spent += fields
        self.context.spend(fields)

    @property
    def is_single_read(self) -> bool:
        """Whether the query is executed in one read: it does nothing but read the catalog and stock.

        Raises:
            Exception: an argument of a root field is invalid.
        """
        if not (self.plan.is_single_read and self.context.can_yield):
            return False
        return not any(root.does_more(**self.arguments[number]) for _, number, root, _ in self.plan.roots)

    def start(self) -> Coroutine[Any, Any, dict[str, Any]]:
        """Start the plan's function, whatever an earlier attempt has read."""
        self.context.fields_left = self._fields_left
        self.spent = 0
        self._selections.clear()
        self._stocked_ids.clear()
        self.context.clear_loaders()
        return self.plan.function(self)

    def compute_arguments(self, use: FieldUse) -> dict[str, Any]:
        """Compute the arguments of a field's Python function."""
        if not use.takes_arguments:
            return {}
        executor, details = self._executor, use.details[0]
        values = get_argument_values(
            use.definition,
            details.node,
            executor.variable_values,
            details.fragment_variable_values,
            executor.hide_suggestions,
        )
        return get_argument_converter(use.definition)(values)

    @cached_property
    def info(self) -> GraphQLResolveInfo[Any] | None:
        """What the types of the schema are resolved with; None: no root field is selected."""
        if not self.plan.roots:
            return None
        key, number, _, _ = self.plan.roots[0]
        use = self.plan.uses[number]
        root_type = get_root_type(self._executor)
        nodes = [details.node for details in use.details]
        return self._executor.build_resolve_info(use.definition, nodes, root_type, Path(None, key, root_type.name))

    def note(self, type_: GraphQLObjectType, names: tuple[str, ...], value: object) -> None:
        """Record fields of an object, for caches."""
        self.context.cache_policy.add_fields(type_, names, value)

    async def resolve_roots(self) -> dict[str, Any]:
        """Resolve the root fields at the same time, and keep their results: none is resolved twice.

        Raises:
            Exception: the caller lacks a scope for one of them, or one of them failed.
        """
        for _, _, _, scopes in self.plan.roots:
            if scopes:
                self.context.require(scopes, None)
        calls = [
            (key, kind.function(self.context, **self.arguments[number])) for key, number, kind, _ in self.plan.roots
        ]
        results = await self.context.wait_for_all([call for _, call in calls])
        self.context.root_results = dict(zip((key for key, _ in calls), results, strict=True))
        raise_first(results)
        return self.context.root_results

    def start_load(self, batch: Batch, number: int, keys: Sequence[Any]) -> BatchLoader:
        """Begin to load the values of these keys, with those of other fields of the same batch function and arguments.

        Returns their loader.
        """
        if number in self.plan.dependencies.stock_loads:
            self._stocked_ids.update(keys)
        loader = self.context.get_loader(batch, self.arguments[number])
        loader.start(keys)
        return loader

    def open_rendered(self, number: int) -> RenderedSelection | None:
        """Return the cached objects of a site, or None if its objects cannot be cached in this request."""
        site, cache = self.plan.rendered[number], self.context.gateway.rendered
        used = {name: self._variables[name] for name in site.variables if name in self._variables}
        variables = encode_variables(used)
        if not cache.is_enabled or variables is None or len(variables) > MAX_KEY_LENGTH:
            return None
        key = f"{self.plan.key} {number} {self.context.caller.scope_class} {variables}"
        on_stock = DataKind.STOCK in site.dependencies.kinds or site.dependencies.on_any_stock
        self._selections.append(RenderedSelection(cache, key, self.generation, on_stock=on_stock))
        return self._selections[-1]

    def store_rendered(self) -> None:
        """Cache the JSON of objects that were not, once the response is complete."""
        reused = sum(found.fields for selection in self._selections for found in selection.reused.values())
        added = sum(len(selection.added) for selection in self._selections)
        for selection in self._selections:
            selection.store(-(-(self.spent - reused) // added) if added else 0)

    @property
    def rendered_objects(self) -> Sequence[tuple[object, RenderedKey]] | None:
        """The objects of a complete response whose JSON is cached, with their keys, if it shows nothing else that can
        change while its pages have the same items. None: it does.
        """
        if not self.page_checks or len(self._selections) < len(self.plan.rendered):
            return None
        return [found for selection in self._selections for found in selection.list_objects()]

    @property
    def dependencies(self) -> Dependencies:
        """What the response depends on, once it is complete."""
        found = self.plan.dependencies
        if found.on_any_stock or len(self._stocked_ids) > MAX_STOCKED_IDS:
            return Dependencies(True)
        reused = {id_ for selection in self._selections if selection.on_stock for id_ in selection.reused}
        shown = frozenset(self._stocked_ids | reused)
        if DataKind.STOCK in self.context.cache_policy.added_kinds:
            return Dependencies(True, None, shown)
        return Dependencies(bool(found.stock_loads), shown, shown)

    @property
    def page_checks(self) -> tuple[PageCheck, ...]:
        """What tells that a complete response still shows the same objects; empty: nothing does."""
        if not self.plan.shows_objects_only:
            return ()
        checks = [getattr(result, "check", None) for result in self.context.root_results.values()]
        found = tuple(check for check in checks if isinstance(check, PageCheck))
        return found if len(found) == len(checks) else ()
