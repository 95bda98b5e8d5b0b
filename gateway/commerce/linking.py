"""What people decide about listings: which variant one belongs to, and what becomes of doubtful ones (rule I1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.commerce.catalog import relink
from gateway.commerce.matching import Place
from gateway.commerce.taking import Rules
from gateway.model.outcomes import Outcome, UserError, UserErrorCode
from gateway.storage import listings, sources
from gateway.storage.database import Connection
from gateway.storage.listings import ListingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person says of a listing.

    Attributes:
        variant: what it belongs to; None: it stands alone.
        units: how many units of stock one listing sells; None: as many as before.
    """

    listing: str
    variant: str | None
    units: int | None = None


def decide(conn: Connection, decision: Decision, rules: Rules, now: datetime) -> Outcome:
    """Link a listing to a variant, or have it stand alone."""
    listings.lock_catalogue(conn)
    about = Outcome(subject=decision.listing)
    row = listings.live_listing(conn, decision.listing)
    if row is None:
        return replace(about, user_errors=(_missing("listing", "listingId"),))
    target = _target(conn, row, decision)
    if isinstance(target, UserError):
        return replace(about, user_errors=(target,))
    towards, count = None if target is None else _place(target), sources.next_count(conn)
    relink(conn, _place(row), towards, units=decision.units, count=count, now=now, rules=rules)
    return replace(about, done=True)


def decide_review(conn: Connection, review: str, variant: str | None, rules: Rules, now: datetime) -> Outcome:
    """Say which variant a doubtful listing is, or that it is none of them."""
    listings.lock_catalogue(conn)
    listing = listings.reviewed(conn, review)
    if listing is None:
        return Outcome(subject=review, user_errors=(_missing("review", "reviewId"),))
    outcome = decide(conn, Decision(listing=listing, variant=variant), rules, now)
    if outcome.done:
        listings.close_review(conn, review)
    return replace(outcome, subject=review, listing=listing)


def _place(row: ListingRow) -> Place:
    return row.channel, row.external_id


def _missing(what: str, field: str) -> UserError:
    message = f"There is no such {what}, or none any more."
    return UserError(code=UserErrorCode.NOT_FOUND, field=("input", field), message=message)


def _target(conn: Connection, row: ListingRow, decision: Decision) -> ListingRow | UserError | None:
    """The listing to go with; None: none. Or why that cannot be."""
    if decision.variant is None:
        return _held(conn, row)
    variant = listings.variant_now(conn, decision.variant)
    members = [one for one in listings.select(conn, "variant_id", [variant]) if one.live]
    if not members:
        return _missing("variant", "variantId")
    others = [one for one in members if one.id != row.id]
    if not others:
        return _invalid("It is the only listing of this variant: there is nothing to link it with.")
    if {one.unit_of_measure for one in others} != {row.unit_of_measure}:
        return _invalid("The two are counted in different units of measure: they cannot be one thing.")
    return min(others, key=lambda one: (one.id != variant, one.id))


def _held(conn: Connection, row: ListingRow) -> UserError | None:
    """Why the listing cannot stand alone: what a person linked with it stays with it."""
    towards = [place for place, said in listings.decisions(conn, [_place(row)]).items() if said.target == _place(row)]
    held = [one for channel, id_ in towards for one in listings.of_places(conn, channel, [id_]) if one.live]
    if not held:
        return None
    message = "Other listings were linked with it by hand: unlink those first."
    return UserError(code=UserErrorCode.NOT_ALLOWED_IN_STATE, message=message, channel_key=held[0].channel)


def _invalid(message: str) -> UserError:
    return UserError(code=UserErrorCode.INVALID, field=("input", "variantId"), message=message)
