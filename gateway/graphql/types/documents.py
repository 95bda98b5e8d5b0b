"""Persisted documents and their policies."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.documents import (
    load_document_costs,
    load_document_scopes,
    load_documents,
    load_operation_names,
)
from gateway.graphql.scopes import DOCUMENTS_ADMIN
from gateway.graphql.types.node import Node
from gateway.graphql.types.outcomes import ERRORS, UserError
from gateway.model import documents, mutation_result


@output(documents.DocumentApp, "A version of an app that contains a document.")
class DocumentApp:
    name: str = attribute("Name of the app.")
    version: str = attribute("The version.")
    owner: str | None = attribute("The team that owns the app. Null: not known.")


@output(documents.DocumentPolicy, "What a persisted document may do, in every app version.")
class DocumentPolicy:
    blocked: bool = attribute("Whether requests of the document get the error DOCUMENT_BLOCKED.")
    reason: str | None = attribute("Reason, which clients of a blocked document read. Null: none.")
    max_age_seconds: int | None = attribute(
        "How long caches store answers that may be shared, in seconds. Null: as their data allows."
    )
    max_per_minute: int | None = attribute(
        "How often each process of the gateway executes it in a minute. Null: no limit of its own."
    )
    deadline_ms: int | None = attribute("Deadline of its queries, in milliseconds. Null: that of the configuration.")
    set_by: str = attribute("Name of the token that set the policy.")
    set_at: datetime = attribute("When the policy was set.")


@output(documents.PersistedDocument, "A persisted document of released apps.", scopes=DOCUMENTS_ADMIN)
class Document(Node):
    id: strawberry.ID = declare_global_id("Document", parts=lambda document: tuple(document.hash.split(":")))
    hash: str = attribute("Hash of the text: `sha256:` and 64 hexadecimal digits.")
    operation: str = load(
        "Names of its operations, separated by commas.", load_operation_names, key=lambda document: document
    )
    apps: list[DocumentApp] = attribute("The app versions that contain it.", size=50)
    cost: int = load(
        "Cost of its dearest operation with the default values of its variables.",
        load_document_costs,
        key=lambda document: document,
    )
    scopes: list[str] = load(
        "Scopes that its fields require. Of alternatives, all are listed.",
        load_document_scopes,
        key=lambda document: document,
        size=50,
    )
    uses: int = attribute("How often it was executed.")
    last_used_at: datetime | None = attribute("When it was last executed. Null: never.")
    policy: DocumentPolicy | None = attribute("The policy that an operator set. Null: none.")


@output(mutation_result.MutationResult, "Result of setting a document's policy.")
class DocumentPayload:
    document: Document | None = load(
        "The document in its current state. Null: it was not found.",
        load_documents,
        key=lambda outcome: outcome.subject,
    )
    user_errors: list[UserError] = attribute(ERRORS)
