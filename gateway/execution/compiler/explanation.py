"""Explains how an operation is executed: the functions that load its levels, and its generated Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import (
    DocumentNode,
    Executor,
    GraphQLSchema,
    NonNullTypeNode,
    VariableDefinitionNode,
    Visitor,
    visit,
)

from gateway.execution.compiler.plan import generate_function, list_conditions
from gateway.execution.compiler.sites import LoadSite, select_batch, select_optional
from gateway.execution.compiler.source import NotCompilableError


class _Optional(Visitor):
    """Makes every variable optional: an explanation has no values."""

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> VariableDefinitionNode:
        type_ = node.type.type if isinstance(node.type, NonNullTypeNode) else node.type
        return VariableDefinitionNode(
            variable=node.variable, type=type_, default_value=node.default_value, directives=node.directives
        )


def explain_operation(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> str:
    """Explain an operation of a valid document, with all its conditional fields.

    Raises:
        NotCompilableError: the reference executor executes it.
    """
    conditions = dict.fromkeys(list_conditions(document), True)
    executor = Executor.build(schema, visit(document, _Optional()), raw_variable_values=conditions, operation_name=name)
    if isinstance(executor, list):
        raise NotCompilableError(executor[0].message)
    generator = generate_function(executor, tracks=False)
    loads = [_explain_load(site, level) for level in generator.levels for site in level]
    return "\n".join([*loads, generator.source.text])


def _explain_load(site: LoadSite, level: Sequence[LoadSite]) -> str:
    names = select_optional(site, level)
    shown = "" if names is None else f", optional attributes: {', '.join(sorted(names)) or 'none'}"
    return f"# {site.number}: {site.use.details[0].node.name.value} by {select_batch(site, level).__name__}{shown}"
