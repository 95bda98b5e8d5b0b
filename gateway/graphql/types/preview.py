"""The preview of an order."""

from __future__ import annotations

from operator import attrgetter

from gateway.commerce.orders import preview
from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.loaders.channels import load_channels
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.outcomes import UserError
from gateway.graphql.types.stock import Reservation
from gateway.graphql.types.values import Money


@output(preview.PreviewStep, "A command that would be sent to a channel.")
class OrderPreviewStep:
    channel: Channel | None = load("The channel.", load_channels, key=attrgetter("channel_key"))
    operation: str = attribute("The operation, such as `PlaceOrder` or `AdjustStock`.")
    summary: str = attribute("Human-readable summary, in English.")


@output(preview.OrderPreview, "What placing an order would write to each channel. A preview changes nothing.")
class OrderPreview:
    total: Money = attribute("Amount to pay. Zero if the order cannot be placed.")
    reservations: list[Reservation] = attribute("Reservations that would be created.")
    steps: list[OrderPreviewStep] = attribute("Commands that would be sent to channels, in order.")
    user_errors: list[UserError] = attribute("Why the order cannot be placed. Empty: it can be placed.")
