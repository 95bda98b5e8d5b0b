"""Types of consents."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.loaders.channels import load_channels
from gateway.graphql.scopes import PERSONAL_DATA_OR_SELF
from gateway.graphql.types.channels import Channel
from gateway.model.channels import PushState
from gateway.model.customers import consents


@output(consents.ConsentDecision, "A decision that the answer of a customer was computed from.")
class ConsentDecision:
    state: consents.ConsentState = attribute("What was decided.")
    source: consents.ConsentSource = attribute("Where it comes from.")
    channel: Channel | None = load(
        "The channel that reported it, or that it was sent to. Null: it was decided here.",
        load_channels,
        key=attrgetter("channel_key"),
    )
    decided_at: datetime | None = attribute("When it was decided. Null: the channel does not date it.")
    received_at: datetime = attribute("When the gateway received it.")
    push: PushState | None = attribute(
        "Whether the channel shows a denial that was sent to it. Null: it was not sent there; a grant never is."
    )


@output(consents.Consent, "What a customer allows, for one purpose and address.")
class Consent:
    purpose: consents.ConsentPurpose = attribute("What it is about.")
    address: str | None = attribute(
        "The email address or phone number. Null: it is about the person.", scopes=PERSONAL_DATA_OR_SELF
    )
    granted: bool = attribute("Whether the customer allows it: the state is GRANTED.")
    state: consents.ConsentState = attribute("The answer that counts.")
    source: consents.ConsentSource = attribute("Where the decision that counts comes from.")
    decided_at: datetime = attribute("When it was decided or, if the channel does not date it, received.")
    channel: Channel | None = load(
        "The channel that reported it. Null: it was decided here.", load_channels, key=attrgetter("channel_key")
    )
    wording: str | None = attribute("What the customer was shown. Null: not known.")
    decisions: list[ConsentDecision] | None = attribute("What the answer was computed from, newest first.", size=20)
