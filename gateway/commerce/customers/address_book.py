"""Address book: addresses that are entered here, beside those of channels, which cannot be changed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from gateway.commerce.context import SellingContext
from gateway.commerce.customers.config import CustomerConfig
from gateway.commerce.customers.edited_customers import (
    EditedCustomer,
    Editor,
    derive_customer,
    lock_customer,
    refuse_edit,
    refuse_unknown,
)
from gateway.commerce.customers.golden_record import is_known
from gateway.model.customers.address_book import CustomerAddress
from gateway.model.customers.profiles import ACCOUNT, GUEST
from gateway.model.ids import generate_id
from gateway.model.locations import Address
from gateway.model.mutation_result import MutationResult, UserErrorCode
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json, load_json
from gateway.storage.writes.customers import edits, identities
from gateway.storage.writes.customers.edits import AddressRow
from gateway.storage.writes.customers.identities import IdentityRow

MAX_ADDRESSES = 50
"""Addresses of a customer that are entered here, and that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressEdit:
    """An address to store. `address_id`: the one that it replaces; None: a new one. A default of None stays."""

    editor: Editor
    address: Address
    address_id: str | None = None
    default_shipping: bool | None = None
    default_billing: bool | None = None


def save_address(conn: Connection, edit: AddressEdit, context: SellingContext) -> MutationResult:
    """Store an address. A new default replaces the former one."""
    customer = lock_customer(conn, edit.editor)
    if customer is None:
        return refuse_unknown()
    if not any(asdict(edit.address).values()):
        return refuse_edit("address", "The address is empty.", subject=edit.editor.customer_id)
    stored = {row.id: row for row in _find_own(conn, customer)}
    former = None if edit.address_id is None else stored.get(edit.address_id)
    if edit.address_id is not None and former is None:
        return _refuse_unknown_address(edit.editor)
    if former is None and len(stored) >= MAX_ADDRESSES:
        message = f"A customer has at most {MAX_ADDRESSES} addresses. Remove one first."
        return refuse_edit("address", message, UserErrorCode.LIMIT_EXCEEDED, edit.editor.customer_id)
    row = _build_row(edit, former, customer, context)
    edits.store_addresses(conn, [*_list_former_defaults(row, stored.values(), context), row])
    derive_customer(conn, customer, context)
    return MutationResult(subject=edit.editor.customer_id, subjects=(row.id,), done=True)


def remove_address(conn: Connection, editor: Editor, address_id: str, context: SellingContext) -> MutationResult:
    """Remove an address that was entered here."""
    customer = lock_customer(conn, editor)
    if customer is None:
        return refuse_unknown()
    own = [row for row in _find_own(conn, customer) if row.id == address_id]
    if not own:
        return _refuse_unknown_address(editor)
    edits.delete_addresses(conn, own)
    derive_customer(conn, customer, context)
    return MutationResult(subject=editor.customer_id, done=True)


def find_address_books(
    conn: Connection, customer_ids: Collection[str], config: CustomerConfig, *, proved: bool
) -> Mapping[str, Sequence[CustomerAddress]]:
    """Find the addresses of customers, those that were entered here first; `proved`: as the customer sees them."""
    members: dict[str, list[IdentityRow]] = defaultdict(list)
    for row in identities.find_members(conn, customer_ids, proved=proved):
        members[row.proved_id if proved else row.customer_id].append(row)
    stored: dict[str, list[AddressRow]] = defaultdict(list)
    for address in edits.find_addresses(conn, [row.id for rows in members.values() for row in rows]):
        stored[address.identity_id].append(address)
    return {id_: list(_list_addresses(members[id_], stored, config))[:MAX_ADDRESSES] for id_ in customer_ids}


def _list_addresses(
    members: Sequence[IdentityRow], stored: Mapping[str, Sequence[AddressRow]], config: CustomerConfig
) -> Iterator[CustomerAddress]:
    for row in members:
        for own in stored.get(row.id, ()):
            yield CustomerAddress(
                id=own.id,
                address=Address(**load_json(own.address)),
                default_shipping=own.default_shipping,
                default_billing=own.default_billing,
            )
    for row in members:
        if is_known(row, config.survivorship):
            for address in load_json(row.addresses):
                yield _build_channel_address(row, address)


def _build_channel_address(row: IdentityRow, address: Mapping[str, str | None]) -> CustomerAddress:
    digest = hashlib.sha256(dump_json(sorted(address.items())).encode()).hexdigest()[:12]
    is_account = row.channel.startswith(ACCOUNT)
    return CustomerAddress(
        id=f"{row.id}:{digest}",
        address=Address(**address),
        editable=False,
        channel_key=None if is_account else row.channel.removeprefix(GUEST),
    )


def _find_own(conn: Connection, customer: EditedCustomer) -> list[AddressRow]:
    return edits.find_addresses(conn, [row.id for row in customer.members])


def _build_row(
    edit: AddressEdit, former: AddressRow | None, customer: EditedCustomer, context: SellingContext
) -> AddressRow:
    row = former or AddressRow(
        generate_id(context.now), customer.identity_id, "", False, False, context.now, context.now
    )
    shipping, billing = edit.default_shipping, edit.default_billing
    return row._replace(
        address=dump_json(asdict(edit.address)),
        default_shipping=row.default_shipping if shipping is None else shipping,
        default_billing=row.default_billing if billing is None else billing,
        updated_at=context.now,
    )


def _list_former_defaults(
    row: AddressRow, stored: Collection[AddressRow], context: SellingContext
) -> Iterator[AddressRow]:
    """List the other addresses that are not a default any more."""
    for other in stored:
        changed = other._replace(
            default_shipping=other.default_shipping and not row.default_shipping,
            default_billing=other.default_billing and not row.default_billing,
        )
        if other.id != row.id and changed != other:
            yield changed._replace(updated_at=context.now)


def _refuse_unknown_address(editor: Editor) -> MutationResult:
    message = "There is no address with this ID that was entered here."
    result = refuse_edit("addressId", message, UserErrorCode.NOT_FOUND)
    return replace(result, subject=editor.customer_id)
