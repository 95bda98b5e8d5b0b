"""Actors: the senders of requests that changed something."""

from __future__ import annotations

from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, compute, load
from gateway.execution.object_types import output
from gateway.graphql.loaders.customers.profiles import load_customers_of_identities
from gateway.graphql.types.customers.profiles import Customer
from gateway.model import actors
from gateway.model.ids import GlobalId


def _build_token_id(actor: actors.Actor) -> strawberry.ID | None:
    is_token = actor.token_id is not None and actor.identity_id is None
    return strawberry.ID(str(GlobalId("ApiToken", (actor.token_id or "",)))) if is_token else None


@output(actors.Actor, "The sender of a request. It names tokens, and no person.")
class Actor:
    kind: actors.CallerKind = attribute("Kind of caller.")
    name: str = attribute("Name of the token. Empty: the request had no token of the retailer.")
    token_id: strawberry.ID | None = compute(
        "Global ID of the token. Null: the token is in the configuration, or there was none.",
        _build_token_id,
    )
    customer: Customer | None = load(
        "The customer who was logged in. Null: another caller.",
        load_customers_of_identities,
        key=attrgetter("identity_id"),
    )
