"""Decisions of staff: which identities are one customer, and which are not (rule C5). Nothing is moved or lost."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from gateway.commerce.context import SellingContext
from gateway.commerce.customers.regrouping import regroup
from gateway.model.customers.profiles import IdentityRule
from gateway.model.customers.recognition import DecisionKind
from gateway.model.customers.reviews import CustomerReviewState
from gateway.model.ids import generate_id
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.storage.database import Connection
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes.customers import decisions, evidence, identities
from gateway.storage.writes.customers.decisions import DecisionRow, ReviewRow

Group = Sequence[str]
"""IDs of the identities of a customer."""


_NOTHING = MutationResult()


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """A request to merge customers.

    Attributes:
        customer_ids: any IDs that the customers were ever given.
        proved: whether staff saw proof that they are one person, who then sees all of it (rule C7).
    """

    customer_ids: tuple[str, ...]
    proved: bool
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitRequest:
    """A request to split identities off a customer: they are somebody else's."""

    customer_id: str
    identity_ids: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDecision:
    """A decision about a review: the customers are the same, or different ones."""

    review_id: str
    same: bool
    proved: bool = False
    note: str | None = None


def merge_customers(conn: Connection, request: MergeRequest, context: SellingContext) -> MutationResult:
    """State that customers are the same."""
    evidence.lock_recognition(conn)
    distinct = tuple(dict.fromkeys(request.customer_ids))
    if len(distinct) < 2:
        return _refuse("customerIds", "Expected at least two different customers.")
    homes = identities.resolve_homes(conn, distinct)
    if missing := [n for n, id_ in enumerate(distinct) if id_ not in homes]:
        return _refuse_missing(f"customerIds.{missing[0]}", "There is no customer with this ID.")
    groups = _load_groups(conn, {homes[id_].customer_id for id_ in distinct})
    if len(groups) == 1 and request.proved:
        groups = [[homes[id_].identity_id] for id_ in distinct]
    subject = homes[distinct[0]].customer_id
    if len(groups) == 1:  # they are one already
        return MutationResult(subject=subject, done=True)
    pairs = [(groups[0], group) for group in groups[1:]]
    merge_id = _decide(conn, DecisionKind.SAME, pairs, _Statement(request.proved, request.note), context)
    return MutationResult(subject=subject, subjects=(merge_id,), done=True)


def split_customer(conn: Connection, request: SplitRequest, context: SellingContext) -> MutationResult:
    """State that some identities of a customer are somebody else's. New evidence does not join them again."""
    evidence.lock_recognition(conn)
    home = identities.resolve_homes(conn, [request.customer_id]).get(request.customer_id)
    if home is None:
        return _refuse_missing("customerId", "There is no customer with this ID.")
    members = _load_groups(conn, {home.customer_id})[0]
    apart = list(dict.fromkeys(request.identity_ids))
    about = MutationResult(subject=home.customer_id)
    if missing := [n for n, id_ in enumerate(apart) if id_ not in members]:
        return _refuse_missing(f"identityIds.{missing[0]}", "The customer has no identity with this ID.", about)
    rest = [id_ for id_ in members if id_ not in apart]
    if not apart or not rest:
        message = "Expected some identities of the customer, and not all of them."
        return _refuse("identityIds", message, about)
    merge_id = _decide(conn, DecisionKind.DIFFERENT, [(apart, rest)], _Statement(False, request.note), context)
    customers = _find_customers(conn, members)
    return MutationResult(subject=merge_id, subjects=tuple(sorted(customers)), done=True)


def undo_decision(conn: Connection, merge_id: str, note: str, context: SellingContext) -> MutationResult:
    """Take a decision out. Evidence counts again as if it had never been made."""
    evidence.lock_recognition(conn)
    rows = decisions.lock_merge(conn, merge_id)
    if not rows:
        return _refuse_missing("mergeId", "There is no merge or split with this ID.")
    members = sorted({id_ for row in rows for id_ in decisions.list_members(row)})
    if any(row.undone_at is None for row in rows):
        undone = [replace(row, undone_at=context.now, undone_by=_get_actor(context), undone_note=note) for row in rows]
        decisions.undo_decisions(conn, undone)
        regroup(conn, members, context.config.customers, context.now)
    customers = _find_customers(conn, members)
    return MutationResult(subject=merge_id, subjects=tuple(sorted(customers)), done=True)


def decide_review(conn: Connection, decision: ReviewDecision, context: SellingContext) -> MutationResult:
    """Decide a review. Its evidence opens no other one, unless the decision is undone."""
    evidence.lock_recognition(conn)
    review = decisions.lock_review(conn, decision.review_id)
    if review is None:
        return _refuse_missing("reviewId", "There is no review with this ID.")
    about = MutationResult(subject=review.id)
    if review.state != CustomerReviewState.OPEN.value:
        return _check_again(review, decision, about)
    members = [member.identity_id for member in decisions.find_members(conn, [review.id])]
    groups = _load_groups(conn, _find_customers(conn, members))
    kind = DecisionKind.SAME if decision.same else DecisionKind.DIFFERENT
    pairs = [(groups[0], group) for group in groups[1:]] if decision.same else list(combinations(groups, 2))
    if not pairs:
        return _refuse("reviewId", "The customers of the review are one by now.", about)
    statement = _Statement(decision.same and decision.proved, decision.note, review.id)
    _close_review(conn, review, decision, context)
    merge_id = _decide(conn, kind, pairs, statement, context)
    decided = decisions.lock_review(conn, review.id)
    if decided is not None:
        decisions.store_reviews(conn, (), [replace(decided, merge_id=merge_id)])
    return replace(about, subjects=tuple(sorted(_find_customers(conn, members))), done=True)


def _check_again(review: ReviewRow, decision: ReviewDecision, about: MutationResult) -> MutationResult:
    """A review that was decided the same way has no effect; another way, the former decision has to be undone."""
    expected = CustomerReviewState.SAME if decision.same else CustomerReviewState.DIFFERENT
    if review.state == expected.value:
        return replace(about, done=True)
    message = "The review is closed already. To decide it again, undo its decision."
    error = UserError(code=UserErrorCode.NOT_ALLOWED_IN_STATE, field=("input", "reviewId"), message=message)
    return replace(about, user_errors=(error,))


def _close_review(conn: Connection, review: ReviewRow, decision: ReviewDecision, context: SellingContext) -> None:
    state = CustomerReviewState.SAME if decision.same else CustomerReviewState.DIFFERENT
    closed = replace(review, state=state.value, decided_at=context.now, decided_by=_get_actor(context))
    decisions.store_reviews(conn, (), [closed])


@dataclass(frozen=True, slots=True)
class _Statement:
    """What is stored with a decision."""

    proved: bool
    note: str | None
    review_id: str | None = None
    rule: IdentityRule = IdentityRule.MANUAL


def _decide(
    conn: Connection,
    kind: DecisionKind,
    pairs: Sequence[tuple[Group, Group]],
    statement: _Statement,
    context: SellingContext,
) -> str:
    """Store decisions that are undone together, and derive the customers anew. Returns the ID they have in common."""
    merge_id, first = generate_id(context.now), decisions.take_next_number(conn)
    rows = [
        DecisionRow(
            id=generate_id(context.now),
            number=first + n,
            merge_id=merge_id,
            kind=kind.value,
            left_ids=dump_json(sorted(left)),
            right_ids=dump_json(sorted(right)),
            proved=statement.proved,
            rule=statement.rule.value,
            actor=_get_actor(context),
            note=statement.note,
            review_id=statement.review_id,
            decided_at=context.now,
        )
        for n, (left, right) in enumerate(pairs)
    ]
    members = [(id_, row.id) for row in rows for id_ in decisions.list_members(row)]
    decisions.insert_decisions(conn, rows, members)
    regroup(conn, sorted({id_ for id_, _ in members}), context.config.customers, context.now)
    return merge_id


def add_claim(conn: Connection, account: str, guest: str, context: SellingContext) -> str:
    """State that the order of a guest is that of an account, which has proved it (rule C9)."""
    evidence.lock_recognition(conn)
    statement = _Statement(True, None, rule=IdentityRule.CLAIM)
    return _decide(conn, DecisionKind.SAME, [((account,), (guest,))], statement, context)


def _get_actor(context: SellingContext) -> str:
    """Return the name of the token of the caller. A shopper has none."""
    return "" if context.actor is None else context.actor.name


def _load_groups(conn: Connection, customer_ids: Collection[str]) -> list[list[str]]:
    """Load the identities of customers, in the order of these."""
    members: dict[str, list[str]] = {id_: [] for id_ in sorted(customer_ids)}
    for row in identities.lock_members(conn, customer_ids):
        members[row.customer_id].append(row.id)
    return [ids for ids in members.values() if ids]


def _find_customers(conn: Connection, identity_ids: Collection[str]) -> set[str]:
    return {row.customer_id for row in identities.lock_identities(conn, identity_ids).values()}


def _refuse(field: str, message: str, about: MutationResult = _NOTHING) -> MutationResult:
    error = UserError(code=UserErrorCode.INVALID, field=("input", *field.split(".")), message=message)
    return replace(about, user_errors=(error,))


def _refuse_missing(field: str, message: str, about: MutationResult = _NOTHING) -> MutationResult:
    error = UserError(code=UserErrorCode.NOT_FOUND, field=("input", *field.split(".")), message=message)
    return replace(about, user_errors=(error,))
