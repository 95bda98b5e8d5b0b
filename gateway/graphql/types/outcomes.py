"""What mutations answer: the current object, also when they refuse, and why."""

from __future__ import annotations

from operator import attrgetter

from gateway.execution.fields import attribute, load
from gateway.execution.types import output
from gateway.graphql.loads import carts, catalog, channels, operations, orders, stock
from gateway.graphql.loads.several import all_of
from gateway.graphql.types.carts import Cart, CartWarning
from gateway.graphql.types.catalog import Listing
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.operations import MatchReview, OutboxEntry, SyncReject
from gateway.graphql.types.orders import Fulfillment, Order
from gateway.graphql.types.stock import Reservation, StockLevel
from gateway.model import outcomes as model

_SUBJECT = attrgetter("subject")


def _level(outcome: model.Outcome) -> tuple[str, str] | None:
    """The level at the first location that the outcome names."""
    return (outcome.subject, outcome.subjects[0]) if outcome.subject and outcome.subjects else None


_ERRORS = "Why it was refused. Empty: it was done."


@output(model.UserError, "One reason for which a mutation was refused, for the person who asked.")
class UserError:
    code: model.UserErrorCode = attribute("Why, by what can be done about it.")
    field: list[str] | None = attribute("Where in the input, from the outside in. Null: about no field in particular.")
    message: str = attribute("In words, for people.")
    retryable: bool = attribute("Whether the same may be granted later.")
    retry_after_seconds: int | None = attribute("When to try again, where that is known.")
    available_quantity: int | None = attribute("How much could be had instead.")
    channel: Channel | None = load("The channel that it is about.", channels.channels, key=attrgetter("channel_key"))


@output(model.Outcome, "What became of a change of a cart.")
class CartPayload:
    cart: Cart | None = load("The cart as it is now.", carts.carts, key=_SUBJECT)
    warnings: list[CartWarning] = attribute("What the shopper should know about what was granted.")
    user_errors: list[UserError] = attribute(_ERRORS)


@output(model.Outcome, "What became of an order.")
class OrderPayload:
    order: Order | None = load("The order as it is now.", orders.orders, key=_SUBJECT)
    user_errors: list[UserError] = attribute(_ERRORS)


@output(model.Outcome, "What became of a fulfillment.")
class FulfillmentPayload:
    fulfillment: Fulfillment | None = load("The fulfillment as it is now.", orders.fulfillments, key=_SUBJECT)
    user_errors: list[UserError] = attribute(_ERRORS)


@output(model.Outcome, "What became of units that were to be held, or let go.")
class ReservationPayload:
    reservations: list[Reservation] | None = load(
        "They as they are now.", all_of(stock.reservations), key=attrgetter("subjects")
    )
    user_errors: list[UserError] = attribute(_ERRORS)


@output(model.Outcome, "What became of a count that was to be put right.")
class StockLevelPayload:
    level: StockLevel | None = load("The level as it is now.", stock.levels_by_key, key=_level)
    user_errors: list[UserError] = attribute(_ERRORS)


@output(model.Outcome, "What became of units that were to go elsewhere.")
class StockTransferPayload:
    levels: list[StockLevel] | None = load(
        "Both levels as they are now.",
        all_of(stock.levels_by_key),
        key=lambda outcome: tuple((outcome.subject, location) for location in outcome.subjects),
    )
    user_errors: list[UserError] = attribute(_ERRORS)


@output(model.Outcome, "What became of a decision about a listing.")
class ListingPayload:
    listing: Listing | None = load("The listing as it is now.", catalog.listings, key=_SUBJECT)
    user_errors: list[UserError] = attribute(_ERRORS)


@output(model.Outcome, "What became of a decision about a review.")
class MatchReviewPayload:
    review: MatchReview | None = load(
        "The review as it is now. Null: it is decided, or has gone.", operations.reviews, key=_SUBJECT
    )
    listing: Listing | None = load(
        "The listing that it is about, as it is now.", catalog.listings, key=attrgetter("listing")
    )
    user_errors: list[UserError] = attribute(_ERRORS)


@output(model.Outcome, "What became of a wish about a channel.")
class ChannelPayload:
    channel: Channel | None = load("The channel as it is now.", channels.channels, key=_SUBJECT)
    user_errors: list[UserError] = attribute(_ERRORS)


@output(model.Outcome, "What became of a wish towards a channel.")
class OutboxPayload:
    entry: OutboxEntry | None = load("The entry as it is now.", operations.entries, key=_SUBJECT)
    user_errors: list[UserError] = attribute(_ERRORS)


@output(model.Outcome, "What became of a rejected record.")
class SyncRejectPayload:
    reject: SyncReject | None = load(
        "The reject as it is now. Null: the record has been taken in, or is gone.", operations.rejects, key=_SUBJECT
    )
    replayed: bool = attribute(
        "Whether the record has been read again by now. False: it is as soon as its channel can be asked.", of="done"
    )
    user_errors: list[UserError] = attribute(_ERRORS)
