"""The change feed, for clients that maintain a local copy."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql import node_resolver
from gateway.graphql.types.node import Node
from gateway.model import change_feed


@output(change_feed.Change, "A changed object. A page contains each object once, in its current state.")
class Change:
    node_id: strawberry.ID = attribute("Global ID of the changed object.")
    kind: change_feed.ChangeKind = attribute("What happened to the object.")
    replaced_by: strawberry.ID | None = attribute(
        "Global ID of the object into which this one was merged. Null: not merged."
    )
    node: Node | None = load(
        "The object, or the object it was merged into, in its current state. Null: deleted or not visible to "
        "the caller.",
        node_resolver.load_nodes,
        key=attrgetter("current_id"),
    )
    occurred_at: datetime = attribute("When the change happened.")
