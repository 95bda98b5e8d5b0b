"""Anything by its global id."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from gateway.execution.context import Context
from gateway.graphql.nodes import load_node


async def nodes(context: Context, ids: Sequence[str]) -> Sequence[Any]:
    return await asyncio.gather(*(load_node(context, id_) for id_ in ids), return_exceptions=True)
