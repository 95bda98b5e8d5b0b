"""Plans: the compiled functions of a document, by operation and the values of its `@skip` and `@include` variables."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from secrets import token_hex
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    Executor,
    GraphQLError,
    VariableNode,
)

from gateway.execution.caching.lru_cache import WeightedLRU
from gateway.execution.caller import Scopes
from gateway.execution.compiler.dependencies import PlanDependencies
from gateway.execution.compiler.generator import Generator
from gateway.execution.compiler.sites import FieldUse, RenderedSite
from gateway.execution.compiler.source import NotCompilableError
from gateway.execution.fields import Root
from gateway.execution.limits import iterate_nodes

COMPILED_AFTER = 1
"""Executions of an operation by the reference executor before it is compiled: most documents of hostile clients are
executed once.
"""

MAX_COMPILATIONS = 8
"""How often a document is compiled: for further combinations of its variables the reference executor executes it."""

MAX_PLAN_CHARACTERS = 10_000_000
"""Characters of the source of all plans of published documents, and twice the limit of all others."""

MAX_KEY_CHARACTERS = 500_000
"""Characters of the keys of cached costs, and of prepared operations."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled operation.

    Attributes:
        function: `await function(run)` returns the data of the response.
        size: the number of characters of its source.
        uses: the fields of the operation whose arguments the function reads, by number.
        roots: response name, number, kind and scopes of each root field.
        dependencies: what its responses depend on.
        rendered: the sites of objects whose JSON is cached, by number.
        is_single_read: whether it is executed in one read if its root fields do no more.
        shows_objects_only: whether responses depend on nothing but these objects, and on which they are.
        key: of the plan among those of all documents.
    """

    function: Callable[[Any], Coroutine[Any, Any, dict[str, Any]]]
    size: int
    uses: Sequence[FieldUse]
    roots: Sequence[tuple[str, int, Root, Scopes]]
    dependencies: PlanDependencies
    rendered: Sequence[RenderedSite] = ()
    shows_objects_only: bool = False
    is_single_read: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class PreparedOperation:
    """What equal requests need to compute only once: which plan is theirs, and the arguments of its fields.

    Attributes:
        plan: its key.
        arguments: those of the fields, by number. No function changes them.
    """

    plan: str
    arguments: Mapping[int, dict[str, Any]]


class PlanCache:
    """The plans of many documents. `bound`: the number of characters of their source."""

    def __init__(self, bound: int) -> None:
        self.plans: WeightedLRU[Plan] = WeightedLRU(bound)
        self.costs: WeightedLRU[int] = WeightedLRU(MAX_KEY_CHARACTERS, MAX_KEY_CHARACTERS // 100)
        self.operations: WeightedLRU[PreparedOperation] = WeightedLRU(MAX_KEY_CHARACTERS, MAX_KEY_CHARACTERS // 100)
        self._name = token_hex(8)  # its documents have other keys than those of another cache
        self._documents = 0

    def add_document(self, document: DocumentNode) -> DocumentPlans:
        """Add a document, of which nothing is compiled yet."""
        self._documents += 1
        key = f"{self._name} {self._documents}"
        return DocumentPlans(self.plans, self.costs, self.operations, key, sorted(set(list_conditions(document))))


@dataclass(slots=True)
class DocumentPlans:
    """The plans of one document, by operation and the values of its `@skip` and `@include` variables.

    Attributes:
        costs: what operations cost, by document, operation and variables.
        operations: those that were executed lately, by document, operation and variables.
        key: of the document, in the keys of its plans, costs and responses.
        uncompilable: keys of plans that there are none of, because the compiler does not take the operation.
        cacheable: names of the operations whose responses can be cached, as far as they are compiled.
        is_disabled: a plan has failed where the reference executor has not.
    """

    plans: WeightedLRU[Plan]
    costs: WeightedLRU[int]
    operations: WeightedLRU[PreparedOperation]
    key: str
    conditions: Sequence[str]
    executions: int = 0
    compilations: int = 0
    uncompilable: set[str] = field(default_factory=set)
    cacheable: set[str | None] = field(default_factory=set)
    is_disabled: bool = False

    def count_execution(self) -> bool:
        """Count an execution of the document. Returns whether it may be compiled: it is executed often enough."""
        self.executions += 1
        return self.executions > COMPILED_AFTER and not self.is_disabled

    def find_prepared(self, operation: str | None, *, tracks: bool) -> tuple[Plan, Mapping[int, dict[str, Any]]] | None:
        """Return the plan and the arguments of an equal request. `operation`: its key; None: it has none."""
        prepared = None if operation is None else self.operations.get(f"{self.key} {tracks} {operation}")
        plan = None if prepared is None else self.plans.get(prepared.plan)
        return None if prepared is None or plan is None else (plan, prepared.arguments)

    def store_prepared(
        self, operation: str | None, plan: Plan, arguments: Mapping[int, dict[str, Any]], *, tracks: bool
    ) -> None:
        """Store the plan and the arguments of a request for equal ones."""
        if operation is not None:
            key = f"{self.key} {tracks} {operation}"
            weight = len(key) + len(repr(arguments))  # with literal arguments, however short the variables are
            self.operations.put(key, PreparedOperation(plan.key, dict(arguments)), weight)

    def find(self, executor: Executor[Any], *, tracks: bool) -> Plan | None:
        """Return the plan of the executor's operation, compiled at its first use, or None if it is not compiled."""
        values = self._read_conditions(executor)
        if not all(isinstance(value, bool) for value in values.values()):
            return None  # null is an error where a field has the condition
        name = executor.operation.name.value if executor.operation.name else ""
        key = f"{self.key} {name} {tracks} {sorted(values.items())}"
        return self.plans.get(key) or self._compile(key, executor, tracks)

    def _read_conditions(self, executor: Executor[Any]) -> dict[str, Any]:
        declared = {definition.variable.name.value for definition in executor.operation.variable_definitions or ()}
        return {name: executor.variable_values.coerced.get(name) for name in self.conditions if name in declared}

    def _compile(self, key: str, executor: Executor[Any], tracks: bool) -> Plan | None:
        if self.compilations >= MAX_COMPILATIONS or key in self.uncompilable:
            return None
        self.compilations += 1
        plan = compile_operation(executor, tracks=tracks)
        if plan is None:
            self.uncompilable.add(key)
            return None
        plan = replace(plan, key=key)
        self.plans.put(key, plan, plan.size)
        return plan


def list_conditions(document: DocumentNode) -> Iterator[str]:
    """List the variables by which fields are left out."""
    for node in iterate_nodes(document):
        if isinstance(node, DirectiveNode) and node.name.value in ("skip", "include"):
            for argument in node.arguments or ():
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value


def generate_function(executor: Executor[Any], *, tracks: bool) -> Generator:
    """Write the function of an executor's operation.

    Raises:
        NotCompilableError: the compiler does not take the operation.
    """
    if any(fragment.variable_signatures for fragment in executor.fragments.values()):
        raise NotCompilableError("Fragments with variables are for the reference executor.")
    generator = Generator(executor, tracks)
    try:
        generator.generate()
    except (GraphQLError, RecursionError) as error:
        raise NotCompilableError(str(error)) from error
    return generator


def compile_operation(executor: Executor[Any], *, tracks: bool) -> Plan | None:
    """Compile the operation of an executor, or return None if the compiler does not take it."""
    try:
        generator = generate_function(executor, tracks=tracks)
        source = generator.source.text
        code = compile(source, "<operation>", "exec")
    except (NotCompilableError, SyntaxError, RecursionError):  # too many nested lists for Python
        return None
    names = dict(generator.source.names)
    exec(code, names)  # noqa: S102 generated from the schema and the names of fields, which are GraphQL names
    return Plan(
        names["execute"],
        len(source),
        generator.uses,
        generator.roots,
        generator.dependencies,
        generator.rendered,
        generator.shows_objects_only,
        generator.is_single_read,
    )
