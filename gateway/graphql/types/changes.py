"""What changed, for apps that keep a copy."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.types import output
from gateway.graphql.loads import nodes
from gateway.graphql.types.node import Node
from gateway.model import changes as model


@output(model.Change, "One thing that changed: within a page each is named once, as it is now.")
class Change:
    node_id: strawberry.ID = attribute("The global id of what changed.")
    kind: model.ChangeKind = attribute("What became of it.")
    replaced_by: strawberry.ID | None = attribute("What it was merged into.")
    node: Node | None = load("It, or what it was merged into, as it is now.", nodes.nodes, key=attrgetter("shown"))
    occurred_at: datetime = attribute("When it changed.")
