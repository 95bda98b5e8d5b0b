"""Payloads of mutations: the current object, also after a refusal, and the user errors."""

from __future__ import annotations

from operator import attrgetter

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.loaders.carts import load_carts
from gateway.graphql.loaders.catalog import load_listings
from gateway.graphql.loaders.channels import load_channels
from gateway.graphql.loaders.customers.loyalty import load_loyalty_of_accounts, load_posted_entries
from gateway.graphql.loaders.factories import make_list_loader
from gateway.graphql.loaders.operations import load_match_reviews, load_outbox_entries, load_rejects
from gateway.graphql.loaders.orders import load_fulfillments, load_orders
from gateway.graphql.loaders.stock import load_reservations, load_stock_levels
from gateway.graphql.types.carts import Cart, CartWarning
from gateway.graphql.types.catalog import Listing
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.customers.loyalty import LoyaltyAccount, LoyaltyEntry
from gateway.graphql.types.operations import MatchReview, OutboxEntry, SyncReject
from gateway.graphql.types.orders import Fulfillment, Order
from gateway.graphql.types.stock import Reservation, StockLevel
from gateway.model import mutation_result

_SUBJECT = attrgetter("subject")


def _get_level_key(outcome: mutation_result.MutationResult) -> tuple[str, str] | None:
    """Return the key of the stock level at the first location of the outcome."""
    return (outcome.subject, outcome.subjects[0]) if outcome.subject and outcome.subjects else None


def _get_account_id(outcome: mutation_result.MutationResult) -> str | None:
    return outcome.subjects[0] if outcome.subjects else None


ERRORS = "Why the mutation was refused. Empty: it was applied."


@output(mutation_result.UserError, "A reason why a mutation was refused, to show to the user.")
class UserError:
    code: mutation_result.UserErrorCode = attribute("Machine-readable reason, by what can be done about it.")
    field: list[str] | None = attribute(
        "Path of the invalid field in the input, outermost first. Null: not about one field in particular."
    )
    message: str = attribute("Human-readable text, in English.")
    retryable: bool = attribute("Whether the same request may succeed later.")
    retry_after_seconds: int | None = attribute("Seconds to wait before a retry. Null: not known.")
    available_quantity: int | None = attribute("Quantity that is available instead. Null: not about a quantity.")
    channel: Channel | None = load(
        "The channel that the error concerns. Null: none.", load_channels, key=attrgetter("channel_key")
    )


@output(mutation_result.MutationResult, "Result of a change of a cart.")
class CartPayload:
    cart: Cart | None = load("The cart in its current state. Null: the cart was not found.", load_carts, key=_SUBJECT)
    warnings: list[CartWarning] = attribute("Notices about the accepted change, to show to the customer.")
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of a change of an order.")
class OrderPayload:
    order: Order | None = load(
        "The order in its current state. Null: the order was not found or not placed.", load_orders, key=_SUBJECT
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of a change of a fulfillment.")
class FulfillmentPayload:
    fulfillment: Fulfillment | None = load(
        "The fulfillment in its current state. Null: the fulfillment was not found.", load_fulfillments, key=_SUBJECT
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of reserving or releasing stock.")
class ReservationPayload:
    reservations: list[Reservation] | None = load(
        "The reservations in their current state.", make_list_loader(load_reservations), key=attrgetter("subjects")
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of a stock adjustment.")
class StockLevelPayload:
    level: StockLevel | None = load(
        "The stock level in its current state. Null: it was not found.", load_stock_levels, key=_get_level_key
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of a stock transfer.")
class StockTransferPayload:
    levels: list[StockLevel] | None = load(
        "The stock levels of both locations in their current state.",
        make_list_loader(load_stock_levels),
        key=lambda outcome: tuple((outcome.subject, location) for location in outcome.subjects),
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of linking or unlinking a listing.")
class ListingPayload:
    listing: Listing | None = load(
        "The listing in its current state. Null: it was not found.", load_listings, key=_SUBJECT
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of a decision on a match review.")
class MatchReviewPayload:
    review: MatchReview | None = load(
        "The review in its current state. Null: it is decided or was not found.", load_match_reviews, key=_SUBJECT
    )
    listing: Listing | None = load(
        "The listing of the review in its current state.", load_listings, key=attrgetter("listing")
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of an operation on a channel.")
class ChannelPayload:
    channel: Channel | None = load(
        "The channel in its current state. Null: it was not found.", load_channels, key=_SUBJECT
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of replaying an outbox entry.")
class OutboxPayload:
    entry: OutboxEntry | None = load(
        "The entry in its current state. Null: it was not found.", load_outbox_entries, key=_SUBJECT
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of replaying a rejected record.")
class SyncRejectPayload:
    reject: SyncReject | None = load(
        "The reject in its current state. Null: the record was applied or was not found.",
        load_rejects,
        key=_SUBJECT,
    )
    replayed: bool = attribute(
        "Whether the record has been read again. False: it is read as soon as its channel can be called.", path="done"
    )
    user_errors: list[UserError] = attribute(ERRORS)


@output(mutation_result.MutationResult, "Result of posting loyalty points.")
class LoyaltyPayload:
    account: LoyaltyAccount | None = load(
        "The customer's points in their current state; of a card that belongs to no customer, those of the card. Null: "
        "not found.",
        load_loyalty_of_accounts,
        key=_get_account_id,
    )
    entry: LoyaltyEntry | None = load(
        "The entry that was posted. Null: nothing was posted, or the order of the receipt has posted it.",
        load_posted_entries,
        key=_SUBJECT,
    )
    user_errors: list[UserError] = attribute(ERRORS)
