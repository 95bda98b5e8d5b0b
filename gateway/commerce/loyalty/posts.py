"""Posts: points that a till, a partner or staff grant, spend or correct, each under a key of its own (rules Y2, Y5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.commerce.context import SellingContext
from gateway.commerce.loyalty import accounts, earning, posting, redemption
from gateway.commerce.loyalty.posting import CREDIT, DEBIT, POST
from gateway.commerce.loyalty.program import LoyaltyProgram
from gateway.commerce.loyalty.redemption import PointsShare, Redeemer
from gateway.model.customers.loyalty import EarnSource, LoyaltyEntryKind
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.storage.database import Connection
from gateway.storage.reads.customers import loyalty_accounts, loyalty_orders
from gateway.storage.writes.customers import loyalty
from gateway.storage.writes.customers.loyalty import AccountRow, FactRow

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the clock of a till may be ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyPost:
    """Points to post.

    Attributes:
        home: a customer id; `number`: of a card. One of them is given.
        points: of an ADJUST of either sign, else positive.
        occurred_at: it has happened then, and is not refused for want of points; None: it happens now.
        expires_at: of points that are granted; None: as the program says.
    """

    home: str | None
    number: str | None
    kind: LoyaltyEntryKind
    points: int
    reason: str
    source_key: str
    occurred_at: datetime | None = None
    location_key: str | None = None
    expires_at: datetime | None = None


def post_points(conn: Connection, post: LoyaltyPost, context: SellingContext) -> MutationResult:
    """Post points. The same post again has no effect; another one under its key is a conflict."""
    program = context.config.loyalty
    if program is None:
        return _refuse(UserErrorCode.NOT_ALLOWED_IN_STATE, "sourceKey", "There is no loyalty program.")
    if (refusal := _check_post(post, context)) is not None:
        return refusal
    owned = _find_accounts(conn, post, program, context.now)
    loyalty.lock_accounts(conn, [row.id for row in owned])
    known = [row for row in loyalty.find_facts(conn, [post.source_key]) if row.source == POST]
    if known:
        return _repeat_post(conn, post, known[0])
    if not owned:
        return _refuse(UserErrorCode.NOT_FOUND, "customerId", "There is no customer with this ID.")
    return _store_post(conn, post, owned, program, context.now)


def _check_post(post: LoyaltyPost, context: SellingContext) -> MutationResult | None:
    if post.kind not in _POSTED_KINDS:
        return _refuse(UserErrorCode.INVALID, "kind", "Expected EARN, REDEEM or ADJUST.")
    if post.points == 0 or (post.points < 0 and post.kind is not LoyaltyEntryKind.ADJUST):
        return _refuse(UserErrorCode.INVALID, "points", "Expected at least 1, or an ADJUST of either sign.")
    if post.occurred_at is not None and post.occurred_at > context.now + CLOCK_TOLERANCE:
        return _refuse(UserErrorCode.INVALID, "occurredAt", "Expected a time in the past.")
    if post.expires_at is not None and post.expires_at <= (post.occurred_at or context.now):
        return _refuse(UserErrorCode.INVALID, "expiresAt", "Expected a time after that of the event.")
    return None


_POSTED_KINDS = (LoyaltyEntryKind.EARN, LoyaltyEntryKind.REDEEM, LoyaltyEntryKind.ADJUST)


def _repeat_post(conn: Connection, post: LoyaltyPost, known: FactRow) -> MutationResult:
    """Return the entry of a post that was received before; with other content, as a conflict."""
    points = sum(row.points or 0 for row in [known, *loyalty.find_facts_by_origin(conn, [_get_parts_origin(post)])])
    is_same = (
        points == abs(post.points)
        and known.kind == _get_kind(post)
        and known.entry_kind == post.kind.value
        and (post.occurred_at is None or known.occurred_at == post.occurred_at)
        and (post.expires_at is None or known.expires_at == post.expires_at)
        and _is_same_holder(conn, post, known)
    )
    result = _find_entry(conn, known)
    if is_same:
        return result
    message = "Something else was posted under this key. `entry` is what was posted."
    return replace(result, done=False, user_errors=(_build_error(UserErrorCode.CONFLICT, "sourceKey", message),))


def _is_same_holder(conn: Connection, post: LoyaltyPost, known: FactRow) -> bool:
    if post.number is not None:
        owner = loyalty_accounts.find_accounts_by_id(conn, [known.account_id or ""])
        return any(row.number == post.number for row in owner)
    owned = loyalty_accounts.find_accounts_of_home(conn, post.home or "")
    return known.account_id in {row.id for row in owned}


def _find_accounts(conn: Connection, post: LoyaltyPost, program: LoyaltyProgram, now: datetime) -> list[AccountRow]:
    """Find the accounts of the holder, as of now. The account of a card, or of a customer without one, is opened."""
    if post.number is not None:
        row = accounts.build_account(post.number, None, None, now)
        opened = accounts.open_accounts(conn, [row], program, now)[row.key]
        return redemption.refresh_accounts(conn, [opened], program, now)
    holder = Redeemer(post.home or "", is_proved=False)
    owned = redemption.list_accounts(conn, holder, program, now)
    if owned:
        return owned
    identity = loyalty_accounts.find_identity_of_home(conn, post.home or "")
    if identity is None:
        return []
    row = accounts.build_account(identity.loyalty_number, identity.id, identity.home, now)
    return [accounts.open_accounts(conn, [row], program, now)[row.key]]


def _store_post(
    conn: Connection, post: LoyaltyPost, owned: list[AccountRow], program: LoyaltyProgram, now: datetime
) -> MutationResult:
    shares = [PointsShare(owned[0].id, abs(post.points))]
    if _get_kind(post) == DEBIT:
        planned = _plan_debit(conn, post, owned, program, now)
        if isinstance(planned, MutationResult):
            return planned
        shares = planned
    rows = [_build_fact(post, share, number, now) for number, share in enumerate(shares)]
    loyalty.insert_facts(conn, rows)
    if program.earn is EarnSource.ORDERS and post.kind is LoyaltyEntryKind.EARN:
        earning.post_orders(conn, _find_receipts(conn, post.source_key), program, now)
    posting.post_accounts(conn, {share.account_id for share in shares}, program, now)
    return _find_entry(conn, rows[0])


def _plan_debit(
    conn: Connection, post: LoyaltyPost, owned: list[AccountRow], program: LoyaltyProgram, now: datetime
) -> list[PointsShare] | MutationResult:
    """Plan from which accounts points come. What has happened already may leave the first one in debt (rule Y5)."""
    locked = loyalty.lock_accounts(conn, [row.id for row in owned])
    current = [locked[row.id] for row in owned]
    points, spendable = abs(post.points), redemption.count_spendable(current)
    if post.occurred_at is None and post.kind is LoyaltyEntryKind.REDEEM and spendable < points:
        message = f"{max(spendable, 0)} points can be spent."
        error = _build_error(UserErrorCode.INSUFFICIENT_POINTS, "points", message)
        return MutationResult(
            subjects=(owned[0].id,), user_errors=(replace(error, available_quantity=max(spendable, 0)),)
        )
    shares = {share.account_id: share.points for share in redemption.plan_shares(conn, current, points, program, now)}
    missing = points - sum(shares.values())
    if missing:
        shares[owned[0].id] = shares.get(owned[0].id, 0) + missing
    return [PointsShare(*share) for share in shares.items()]


def _build_fact(post: LoyaltyPost, share: PointsShare, number: int, now: datetime) -> FactRow:
    """Build the fact of a post. Points of further accounts are parts of it, with keys of their own."""
    return FactRow(
        key=post.source_key if number == 0 else f"{post.source_key}/{share.account_id}",
        source=POST,
        kind=_get_kind(post),
        account_id=share.account_id,
        origin=None if number == 0 else _get_parts_origin(post),
        location=post.location_key,
        occurred_at=post.occurred_at or now,
        points=share.points,
        entry_kind=post.kind.value,
        expires_at=post.expires_at,
        reason=post.reason,
        created_at=now,
    )


def _get_kind(post: LoyaltyPost) -> str:
    return DEBIT if post.kind is LoyaltyEntryKind.REDEEM or post.points < 0 else CREDIT


def _get_parts_origin(post: LoyaltyPost) -> str:
    return f"part of {post.source_key}"


def _find_receipts(conn: Connection, source_key: str) -> list[str]:
    """Find the orders that may have this key, if it is that of a receipt: CHANNEL/LOCATION/DAY/NUMBER."""
    parts = source_key.split("/", 3)
    return loyalty_orders.find_receipts(conn, parts[0], parts[3]) if len(parts) == 4 else []


def _find_entry(conn: Connection, fact: FactRow) -> MutationResult:
    entry_id = loyalty_accounts.find_last_entry(conn, fact.key)
    return MutationResult(subject=entry_id, subjects=(fact.account_id or "",), done=True)


def _refuse(code: UserErrorCode, field: str, message: str) -> MutationResult:
    return MutationResult(user_errors=(_build_error(code, field, message),))


def _build_error(code: UserErrorCode, field: str, message: str) -> UserError:
    return UserError(code=code, field=("input", field), message=message)
