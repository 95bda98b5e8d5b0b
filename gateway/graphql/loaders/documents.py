"""Loaders of persisted documents: their policies, and what their texts say about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    parse,
    visit,
)

from gateway.execution.context import Context
from gateway.execution.cost_analysis import analyze_operation
from gateway.execution.directives import RequiresScopes
from gateway.model.documents import PersistedDocument
from gateway.storage import document_policies


async def load_documents(context: Context, ids: Sequence[str]) -> Sequence[PersistedDocument | None]:
    """Load persisted documents by hash."""
    documents = await context.read(document_policies.find_documents, ids)
    return [documents.get(id_) for id_ in ids]


async def load_operation_names(context: Context, documents: Sequence[PersistedDocument]) -> Sequence[str]:
    """Load the names of the operations of each document, separated by commas."""
    return [", ".join(node.name.value for node in list_operations(document) if node.name) for document in documents]


async def load_document_costs(context: Context, documents: Sequence[PersistedDocument]) -> Sequence[int]:
    """Load the cost of each document with the default values of its variables: that of its dearest operation."""
    return [_compute_cost(_require_schema(context), document) for document in documents]


async def load_document_scopes(context: Context, documents: Sequence[PersistedDocument]) -> Sequence[list[str]]:
    """Load the scopes that fields of each document require, each of them or an alternative."""
    return [sorted(_find_scopes(_require_schema(context), parse(document.text))) for document in documents]


def list_operations(document: PersistedDocument) -> Iterator[OperationDefinitionNode]:
    """List the operations of a document."""
    return (node for node in parse(document.text).definitions if isinstance(node, OperationDefinitionNode))


def _compute_cost(schema: GraphQLSchema, document: PersistedDocument) -> int:
    text = parse(document.text)
    return max((analyze_operation(schema, text, node).compute({}) for node in list_operations(document)), default=0)


def _find_scopes(schema: GraphQLSchema, document: DocumentNode) -> set[str]:
    collector = _ScopeCollector(TypeInfo(schema))
    visit(document, TypeInfoVisitor(collector.types, collector))
    return collector.scopes


class _ScopeCollector(Visitor):
    """Collects the scopes that fields, and the types of fields, declare."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.scopes: set[str] = set()

    def enter_field(self, _node: FieldNode, *_: object) -> None:
        field = self.types.get_field_def()
        definition = None if field is None else field.extensions.get("strawberry-definition")
        for directive in getattr(definition, "directives", ()):
            if isinstance(directive, RequiresScopes):
                self.scopes |= {scope for needed in directive.scopes for scope in needed if scope != "self"}


def _require_schema(context: Context) -> GraphQLSchema:
    if context.schema is None:
        raise RuntimeError("the executor sets the schema of a context")
    return context.schema
