"""Points in channels: what a channel had before the program began, and what channels show of the gateway's points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from gateway.commerce.config import SellingConfig
from gateway.commerce.context import SellingContext
from gateway.commerce.loyalty import posting
from gateway.commerce.loyalty.accounts import build_account, open_accounts
from gateway.commerce.loyalty.posting import CREDIT, DEBIT, POST
from gateway.commerce.loyalty.program import LoyaltyProgram
from gateway.commerce.loyalty.tiers import compute_tier
from gateway.commerce.outbox.commands import OutboxCommand, enqueue
from gateway.commerce.outbox.results import CommandResult
from gateway.model.customers.loyalty import LoyaltyEntryKind
from gateway.model.ids import generate_id
from gateway.sdk.records import Ref
from gateway.sdk.writes import Command, SetLoyalty
from gateway.storage.database import Connection
from gateway.storage.outbox import Entry
from gateway.storage.reads.customers import loyalty_accounts
from gateway.storage.reads.customers.loyalty_accounts import PointsCard, ShownCard
from gateway.storage.writes.customers import loyalty
from gateway.storage.writes.customers.loyalty import AccountRow, FactRow

POINTS = "points"
"""What waits for the result of a command that shows points, as `OutboxCommand.about` names it."""


def import_points(
    conn: Connection, channel: str, points_by_number: Mapping[str, int], config: SellingConfig, now: datetime
) -> None:
    """Take over the points of cards that a channel shows, if it is the opening channel, once for each card."""
    program = config.loyalty
    if program is not None and channel == program.opening:
        cards = [PointsCard(number, points) for number, points in points_by_number.items() if points]
        _import_cards(conn, cards, program, now)


def import_remaining_points(conn: Connection, program: LoyaltyProgram, now: datetime, limit: int) -> int:
    """Take over points that the opening channel has shown before. Returns of how many cards, at most `limit`."""
    if program.opening is None:
        return 0
    cards = loyalty_accounts.find_unopened_cards(conn, program.opening, limit)
    _import_cards(conn, cards, program, now)
    return len(cards)


def _import_cards(conn: Connection, cards: Iterable[PointsCard], program: LoyaltyProgram, now: datetime) -> None:
    keys = {f"opening/{program.opening}/{card.number}": card for card in cards}
    for row in loyalty.find_facts(conn, keys):
        keys.pop(row.key, None)
    rows = {key: build_account(card.number, None, None, now) for key, card in keys.items()}
    accounts = open_accounts(conn, rows.values(), program, now)
    facts = [
        FactRow(
            key=key,
            source=POST,
            kind=CREDIT if card.points > 0 else DEBIT,
            account_id=accounts[rows[key].key].id,
            channel=program.opening,
            occurred_at=now,
            points=abs(card.points),
            entry_kind=LoyaltyEntryKind.ADJUST.value,
            reason="Points before the program",
            created_at=now,
        )
        for key, card in keys.items()
    ]
    loyalty.insert_facts(conn, facts)
    posting.post_accounts(conn, [fact.account_id or "" for fact in facts], program, now)


def list_showing_channels(context: SellingContext) -> list[str]:
    """List the channels that show points."""
    topology = context.topology
    return [channel for channel in sorted(topology.writes) if topology.can_execute(channel, SetLoyalty)]


def show_points(conn: Connection, context: SellingContext, limit: int) -> int:
    """Send the points of cards that have changed to the channels that show them. Returns how many cards there were."""
    channels, program = list_showing_channels(context), context.config.loyalty
    if not channels or program is None:
        return 0
    changed = loyalty.lock_accounts(conn, loyalty.find_unshown(conn, limit))
    cards = loyalty_accounts.find_shown_cards(conn, [row.number for row in changed.values() if row.number], channels)
    commands = [command for row in changed.values() for command in _build_commands(row, cards, program, context)]
    enqueue(conn, commands, context.now)
    loyalty.update_accounts(conn, [replace(row, unshown=None) for row in changed.values()])
    return len(changed)


def _build_commands(
    row: AccountRow, cards: Iterable[ShownCard], program: LoyaltyProgram, context: SellingContext
) -> list[OutboxCommand]:
    return [
        OutboxCommand(
            channel=card.channel,
            command=_build_command(row, card.external_id, generate_id(context.now), program, context),
            subject=f"customer:{card.external_id}",
            about=f"{POINTS}:{row.id}",
            priority=1,
        )
        for card in cards
        if card.number == row.number and card.points != row.balance - row.held
    ]


def _build_command(
    row: AccountRow, external_id: str, key: str, program: LoyaltyProgram, context: SellingContext
) -> SetLoyalty:
    grants, periods = posting.read_grants([row]), posting.read_periods([row])
    tier = compute_tier(periods, grants, program, context.now).tier
    return SetLoyalty(
        key=key, subject=Ref(external_id), points=row.balance - row.held, tier=None if tier is None else tier.key
    )


def prepare_points(conn: Connection, entry: Entry, command: Command, context: SellingContext) -> Command | None:
    """Bring a command up to date: the points of now are sent, however long it waited."""
    rows, program = loyalty_accounts.find_accounts_by_id(conn, [entry.about.partition(":")[2]]), context.config.loyalty
    if not rows or program is None:
        return None
    return _build_command(rows[0], command.subject.id, command.key, program, context)


def handle_result(conn: Connection, result: CommandResult, context: SellingContext) -> None:
    """Handle the result of a command that shows points: nothing waits for it."""
