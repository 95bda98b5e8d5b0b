"""The `Node` interface of objects with a global ID."""

from __future__ import annotations

import strawberry

from gateway.execution.fields import attribute


@strawberry.interface(description="An object with a global ID; `node(id)` returns it.")
class Node:
    id: strawberry.ID = attribute("Globally unique, opaque ID.")
