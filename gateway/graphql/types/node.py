"""The interface of everything that has an id of its own."""

from __future__ import annotations

import strawberry

from gateway.execution.fields import attribute


@strawberry.interface(description="Something with a global id, which `node(id)` finds again.")
class Node:
    id: strawberry.ID = attribute("Globally unique, opaque.")
