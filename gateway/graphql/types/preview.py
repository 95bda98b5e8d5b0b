"""What placing an order would come to."""

from __future__ import annotations

from operator import attrgetter

from gateway.commerce import preview as model
from gateway.execution.fields import attribute, load
from gateway.execution.types import output
from gateway.graphql.loads import channels
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.outcomes import UserError
from gateway.graphql.types.stock import Reservation
from gateway.graphql.types.values import Money


@output(model.Step, "Something that a channel would be told.")
class OrderPreviewStep:
    channel: Channel | None = load("Which channel.", channels.channels, key=attrgetter("channel_key"))
    operation: str = attribute("What it would have to do: `PlaceOrder`, `AdjustStock`.")
    summary: str = attribute("In words, for people.")


@output(model.Preview, "What placing an order would write, and where. Nothing of it is written.")
class OrderPreview:
    total: Money = attribute("What would be to be paid. Zero where it cannot be placed.")
    reservations: list[Reservation] = attribute("Units that would be spoken for.")
    steps: list[OrderPreviewStep] = attribute("What channels would be told, in order.")
    user_errors: list[UserError] = attribute("Why it could not be placed. Empty: it could.")
