"""Manual matching: operators link and unlink listings, and decide match reviews (rule I1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce.catalog.ingest import relink
from gateway.commerce.catalog.match_candidates import ListingSource
from gateway.commerce.ingest_batch import IngestBatch, IngestRules
from gateway.commerce.permissions import UNRESTRICTED, Permissions
from gateway.model.mutation_result import MutationResult, UserError, UserErrorCode
from gateway.sdk.records import ProductRecord
from gateway.storage.database import Connection
from gateway.storage.sync import source_records
from gateway.storage.writes import listings
from gateway.storage.writes.listings import ListingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchDecision:
    """A manual decision about a listing.

    Attributes:
        variant: the variant that it belongs to; None: it stands alone.
        units: stock units in one unit of the listing; None: unchanged.
        permissions: what the caller may see: the listing's channel, and one that lists the variant.
    """

    listing: str
    variant: str | None
    units: int | None = None
    permissions: Permissions = UNRESTRICTED


@dataclass(frozen=True, slots=True)
class ReviewDecision:
    """A manual decision about a match review. `variant` and `permissions`: as those of a match decision."""

    review: str
    variant: str | None
    permissions: Permissions = UNRESTRICTED


def decide_match(conn: Connection, decision: MatchDecision, rules: IngestRules, now: datetime) -> MutationResult:
    """Link a listing to a variant, or unlink it."""
    listings.lock_catalog(conn)
    about = MutationResult(subject=decision.listing)
    row = listings.find_live_listing(conn, decision.listing)
    if row is None or not decision.permissions.can_see_listings(row.channel):
        return replace(about, user_errors=(_build_not_found_error("listing", "listingId"),))
    target = _find_target(conn, row, decision)
    if isinstance(target, UserError):
        return replace(about, user_errors=(target,))
    count = source_records.take_next_count(conn)
    batch: IngestBatch[ProductRecord] = IngestBatch(row.channel, (), (), (), count, now, rules)
    relink(conn, _get_source(row), None if target is None else _get_source(target), batch, units=decision.units)
    return replace(about, done=True)


def decide_review(conn: Connection, decision: ReviewDecision, rules: IngestRules, now: datetime) -> MutationResult:
    """Decide a match review: which variant the listing belongs to, or that it belongs to none."""
    listings.lock_catalog(conn)
    review, permissions = decision.review, decision.permissions
    listing = listings.find_reviewed_listing(conn, review)
    if listing is None or not _can_see_listing(conn, listing, permissions):
        return MutationResult(subject=review, user_errors=(_build_not_found_error("review", "reviewId"),))
    match = MatchDecision(listing=listing, variant=decision.variant, permissions=permissions)
    outcome = decide_match(conn, match, rules, now)
    if outcome.done:
        listings.close_review(conn, review)
    return replace(outcome, subject=review, listing=listing)


def _can_see_listing(conn: Connection, listing: str, permissions: Permissions) -> bool:
    row = listings.find_live_listing(conn, listing)
    return row is None or permissions.can_see_listings(row.channel)


def _get_source(row: ListingRow) -> ListingSource:
    return row.channel, row.external_id


def _build_not_found_error(what: str, field: str) -> UserError:
    message = f"There is no {what} with this ID."
    return UserError(code=UserErrorCode.NOT_FOUND, field=("input", field), message=message)


def _find_target(conn: Connection, row: ListingRow, decision: MatchDecision) -> ListingRow | UserError | None:
    """Find the listing to link with; None: none. Returns an error if the link is impossible."""
    if decision.variant is None:
        return _check_unlinkable(conn, row)
    variant = listings.resolve_variant(conn, decision.variant)
    members = [member for member in listings.find_listings(conn, "variant_id", [variant]) if member.is_live]
    if not any(decision.permissions.can_see_listings(member.channel) for member in members):
        return _build_not_found_error("variant", "variantId")
    others = [member for member in members if member.id != row.id]
    if not others:
        return _build_invalid_error("It is the only listing of this variant. Choose another variant.")
    if {member.unit_of_measure for member in others} != {row.unit_of_measure}:
        return _build_invalid_error("The listings have different units of measure.")
    return min(others, key=lambda member: (member.id != variant, member.age))


def _check_unlinkable(conn: Connection, row: ListingRow) -> UserError | None:
    """Return an error if other listings are linked to the listing manually: then it cannot stand alone."""
    sources = [
        source
        for source, decision in listings.find_decisions(conn, [_get_source(row)]).items()
        if decision.target == _get_source(row)
    ]
    linked = [
        listing
        for channel, id_ in sources
        for listing in listings.find_current_listings(conn, channel, [id_])
        if listing.is_live
    ]
    if not linked:
        return None
    message = "Other listings are linked to this one manually. Unlink them first."
    return UserError(code=UserErrorCode.NOT_ALLOWED_IN_STATE, message=message, channel_key=linked[0].channel)


def _build_invalid_error(message: str) -> UserError:
    return UserError(code=UserErrorCode.INVALID, field=("input", "variantId"), message=message)
