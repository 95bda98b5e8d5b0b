"""Actors: the senders of requests that changed something."""

from __future__ import annotations

import strawberry

from gateway.execution.fields import attribute, compute
from gateway.execution.object_types import output
from gateway.model import actors
from gateway.model.ids import GlobalId


@output(actors.Actor, "The sender of a request. It names tokens, and no person.")
class Actor:
    kind: actors.CallerKind = attribute("Kind of caller.")
    name: str = attribute("Name of the token. Empty: the request had no token.")
    token_id: strawberry.ID | None = compute(
        "Global ID of the token. Null: the token is in the configuration, or there was none.",
        lambda actor: None if actor.token_id is None else strawberry.ID(str(GlobalId("ApiToken", (actor.token_id,)))),
    )
