"""Loaders of loyalty accounts and their entries. Shoppers see the accounts that they are proved to own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.commerce.loyalty import account_views
from gateway.execution.context import Context
from gateway.graphql.arguments import After, Before, First, Last
from gateway.graphql.connections import Connection, Paging, load_pages
from gateway.graphql.cursors import compute_fingerprint
from gateway.graphql.runtime_protocol import get_runtime
from gateway.model.customers.loyalty import (
    LoyaltyAccount,
    LoyaltyEntry,
    LoyaltyExpiry,
    LoyaltyOwner,
    LoyaltyOwnerKind,
)
from gateway.model.money import Money
from gateway.storage.reads.customers import loyalty_accounts

MAX_NUMBERS, MAX_EXPIRIES = 10, 12


def find_shopper_home(context: Context) -> str | None:
    """Return the customer id that was minted with the login of a shopper; None: the caller is no such shopper."""
    return context.caller.home


async def load_loyalty_by_customer(context: Context, ids: Sequence[str]) -> Sequence[LoyaltyAccount | None]:
    kind = LoyaltyOwnerKind.CUSTOMER if context.caller.has_scope("customers:read") else LoyaltyOwnerKind.PROVED
    return await _load_accounts(context, [LoyaltyOwner(kind, id_) for id_ in ids])


async def load_loyalty_of_accounts(context: Context, ids: Sequence[str]) -> Sequence[LoyaltyAccount | None]:
    """Load what the customers of single accounts have, or the account alone if it belongs to no customer."""
    owners = await context.read(loyalty_accounts.find_owners_of_accounts, ids)
    return await _load_accounts(context, [owners[id_] for id_ in ids])


async def _load_accounts(context: Context, owners: Sequence[LoyaltyOwner]) -> Sequence[LoyaltyAccount | None]:
    program = get_runtime(context).selling.loyalty
    if program is None:
        return [None for _ in owners]
    views: Mapping[LoyaltyOwner, LoyaltyAccount] = await context.read(
        account_views.load_accounts, owners, program, context.now
    )
    return [views.get(owner) for owner in owners]


async def load_worth(context: Context, accounts: Sequence[LoyaltyAccount]) -> Sequence[list[Money]]:
    program = get_runtime(context).selling.loyalty
    return [[] if program is None else account_views.list_worth(account.balance, program) for account in accounts]


async def load_expiries(context: Context, groups: Sequence[tuple[str, ...]]) -> Sequence[Sequence[LoyaltyExpiry]]:
    """Load when points of groups of accounts expire."""
    program = get_runtime(context).selling.loyalty
    if program is None:
        return [[] for _ in groups]
    expiries = await context.read(account_views.list_expiries, groups, program, context.now)
    return [expiries[group][:MAX_EXPIRIES] for group in groups]


async def load_loyalty_entries(context: Context, ids: Sequence[str]) -> Sequence[LoyaltyEntry | None]:
    """Load entries by ID, for those who read customers."""
    if not context.caller.has_scope("customers:read"):
        return [None for _ in ids]
    rows = await context.read(loyalty_accounts.find_entries, ids)
    return [rows.get(id_) for id_ in ids]


async def load_posted_entries(context: Context, ids: Sequence[str]) -> Sequence[LoyaltyEntry | None]:
    """Load entries that a mutation of this request has posted."""
    rows = await context.read(loyalty_accounts.find_entries, ids)
    return [rows.get(id_) for id_ in ids]


async def load_entries_by_account(
    context: Context,
    owners: Sequence[LoyaltyOwner],
    *,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Sequence[Connection[LoyaltyEntry]]:
    paging, fingerprint = Paging(first, after, last, before), compute_fingerprint("LoyaltyAccount.entries")
    pages: dict[LoyaltyOwner, Connection[LoyaltyEntry]] = {}
    for kind in LoyaltyOwnerKind:
        ids = [owner.id for owner in owners if owner.kind is kind]
        if ids:
            loaded = await load_pages(context, loyalty_accounts.list_entries(kind), ids, paging, fingerprint)
            pages |= {LoyaltyOwner(kind, id_): page for id_, page in zip(ids, loaded, strict=True)}
    return [pages[owner] for owner in owners]
