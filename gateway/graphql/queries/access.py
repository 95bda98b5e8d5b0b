"""Resolvers of tokens, the audit trail and persisted documents."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last, declare_argument
from gateway.graphql.connections import Connection, Paging, load_page
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.filters import read_channel_keys, read_list, unwrap
from gateway.graphql.global_ids import parse_global_id
from gateway.graphql.inputs import AuditFilter, DocumentFilter
from gateway.graphql.loaders.documents import load_documents
from gateway.model.api_tokens import ApiToken, ApiTokenState
from gateway.model.audit import AuditEntry
from gateway.model.documents import PersistedDocument
from gateway.storage import api_tokens, audit, document_policies
from gateway.storage.audit import AuditQuery
from gateway.storage.document_policies import DocumentQuery


async def resolve_api_tokens(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    states: Annotated[
        list[ApiTokenState] | None, declare_argument("Returns tokens in any of these states.", max_items=4)
    ] = None,
) -> Connection[ApiToken]:
    rows, paging = api_tokens.search_tokens(states, context.now), Paging(first, after, last, before)
    return await load_page(context, rows, paging, compute_fingerprint("apiTokens", states))


async def resolve_audit_entries(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[AuditFilter | None, strawberry.argument(description="Filter for the entries.")] = None,
) -> Connection[AuditEntry]:
    rows, paging = audit.search_entries(_build_query(context, filter)), Paging(first, after, last, before)
    return await load_page(context, rows, paging, compute_fingerprint("auditEntries", filter))


async def resolve_documents(
    context: Context,
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: Annotated[DocumentFilter | None, strawberry.argument(description="Filter for the documents.")] = None,
) -> Connection[PersistedDocument]:
    fields = filter or DocumentFilter()
    query = DocumentQuery(
        app=unwrap(fields.app),
        version=unwrap(fields.version),
        name=unwrap(fields.operation),
        blocked=unwrap(fields.blocked),
        unused_since=unwrap(fields.unused_since),
    )
    rows, paging = document_policies.search_documents(query), Paging(first, after, last, before)
    page = await load_page(context, rows, paging, compute_fingerprint("documents", filter))
    return page.replace_nodes(await context.load_all(load_documents, page.nodes))


def _build_query(context: Context, filter_: AuditFilter | None) -> AuditQuery:
    fields = filter_ or AuditFilter()
    subject = unwrap(fields.subject_id)
    return AuditQuery(
        subject=None if subject is None else _parse_subject(subject),
        actor=unwrap(fields.actor),
        actions=read_list(fields.actions),
        channels=_limit_channels(context, fields),
        locations=_limit_locations(context, fields),
        since=unwrap(fields.since),
        before=unwrap(fields.before),
        refused=unwrap(fields.refused),
    )


def _parse_subject(text: str) -> tuple[str, str]:
    global_id = parse_global_id("filter.subjectId", text)
    return global_id.type, ":".join(global_id.parts)


def _limit_channels(context: Context, fields: AuditFilter) -> tuple[str, ...] | None:
    keys = read_channel_keys(context, fields.channel_keys)
    return context.visibility.channels if keys is None else keys


def _limit_locations(context: Context, fields: AuditFilter) -> tuple[str, ...] | None:
    keys, own = read_list(fields.location_keys), context.caller.locations
    for key in keys or ():
        context.require_location(key)
    if own is None:
        return keys
    return tuple(sorted(own if keys is None else own & set(keys)))
