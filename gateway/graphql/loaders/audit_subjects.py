"""Loader of the objects that audit entries are about: nodes of any type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.execution.context import Context, raise_first
from gateway.graphql.node_resolver import load_node_by_id
from gateway.model.audit import AuditEntry
from gateway.model.ids import GlobalId


async def load_audit_subjects(context: Context, entries: Sequence[AuditEntry]) -> Sequence[Any]:
    """Load the objects that entries are about."""
    ids = [build_subject_id(entry) for entry in entries]
    known = [id_ for id_ in ids if id_ is not None]
    loaded = await context.wait_for_all([load_node_by_id(context, id_) for id_ in known])
    nodes = dict(zip(known, raise_first(loaded), strict=True))
    return [None if id_ is None else nodes[id_] for id_ in ids]


def build_subject_id(entry: AuditEntry) -> GlobalId | None:
    """Build the global ID of the object that an entry is about."""
    if entry.subject_type is None or entry.subject_id is None:
        return None
    return GlobalId(entry.subject_type, tuple(entry.subject_id.split(":")))
