"""Policies of persisted documents: what operators block or limit without shipping an app again."""

from __future__ import annotations

from gateway.model.documents import DocumentPolicy
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.storage import document_policies
from gateway.storage.database import Connection


def set_policy(conn: Connection, document_id: str, policy: DocumentPolicy) -> MutationResult:
    """Set the policy of a document, instead of an earlier one."""
    if not document_policies.has_document(conn, document_id):
        return MutationResult(user_errors=(_NOT_FOUND,))
    document_policies.store_policy(conn, document_id, policy)
    return MutationResult(subject=document_id, done=True)


_NOT_FOUND = UserError(
    code=UserErrorCode.NOT_FOUND, field=("input", "documentId"), message="There is no document with this ID."
)
