"""Customers that somebody edits here: which identity an edit hangs on, and what is derived anew after it (rule C1)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.commerce.context import SellingContext
from gateway.commerce.customers.customer_rows import rebuild_customers, touch_customers
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.storage.database import Connection
from gateway.storage.writes.customers import identities, profiles
from gateway.storage.writes.customers.identities import IdentityRow


@dataclass(frozen=True, slots=True)
class EditedCustomer:
    """A customer, as an edit finds it.

    Attributes:
        identity_id: the identity with which the given customer id was minted. The edit hangs on it.
        customer_id: of the golden record.
        version: of the golden record.
        members: the identities that the editor sees: all, or to the customer those that the login proves (rule C7).
    """

    identity_id: str
    customer_id: str
    version: int
    members: tuple[IdentityRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """Who edits which customer. `by_customer`: the customer does, else staff."""

    customer_id: str
    by_customer: bool


def lock_customer(conn: Connection, editor: Editor) -> EditedCustomer | None:
    """Lock a customer by any id that it was ever given. None: there is none."""
    home = identities.resolve_homes(conn, [editor.customer_id]).get(editor.customer_id)
    if home is None:
        return None
    identities.lock_members(conn, [home.customer_id])  # before the customer, as recognition does
    rows = profiles.lock_customers(conn, [home.customer_id])
    if home.customer_id not in rows:
        return None
    owner = home.proved_id if editor.by_customer else home.customer_id
    members = identities.find_members(conn, [owner], proved=editor.by_customer)
    return EditedCustomer(home.identity_id, home.customer_id, rows[home.customer_id].version, tuple(members))


def derive_customer(conn: Connection, customer: EditedCustomer, context: SellingContext) -> None:
    """Derive a customer anew after an edit. Its version grows in any case."""
    rebuild_customers(conn, [customer.customer_id], context.config.customers, context.now)
    row = profiles.lock_customers(conn, [customer.customer_id])[customer.customer_id]
    if row.version == customer.version:
        touch_customers(conn, [customer.customer_id], context.now)


def refuse_edit(
    field: str, message: str, code: UserErrorCode = UserErrorCode.INVALID, subject: str | None = None
) -> MutationResult:
    """Build the result of an edit that is refused."""
    error = UserError(code=code, field=("input", field), message=message)
    return MutationResult(subject=subject, user_errors=(error,))


def refuse_unknown() -> MutationResult:
    """Build the result of an edit of a customer that does not exist."""
    return refuse_edit("customerId", "There is no customer with this ID.", UserErrorCode.NOT_FOUND)
