"""A process that asks for one and the same order again and again, all at once:
``python -m tests.commerce.chorus URL INPUT TIMES MANNERS``. Manners: ``careful``, or ``careless``: no key is looked at.

Prints, as JSON, what it was answered, and what its channels were told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any
from unittest.mock import patch

from gateway.commerce import once
from tests.graphql.buying import TABLES, Shopper, stores
from tests.graphql.mutating import codes
from tests.graphql.world import TOKENS, World, client_of
from tests.house import Clock, running


async def main(url: str, asked: dict[str, Any], times: int) -> None:
    channels, clock, tables = stores(), Clock(), {**TABLES, "tokens": TOKENS}
    async with running(url, channels, clock, **tables) as gateway, client_of(gateway) as client:
        shopper = Shopper(World(gateway, channels, clock, client))
        print("ready", flush=True)
        sys.stdin.readline()
        payloads = await asyncio.gather(*(shopper.ask("orderPlace", **asked) for _ in range(times)))
    told = [ask.feed for store in channels.values() for ask in store.calls if ask.method == "send"]
    print(json.dumps({"answers": [said(one) for one in payloads], "told": told}), flush=True)


def said(payload: dict[str, Any]) -> list[Any]:
    """What an answer says that stays the same, whatever becomes of the order."""
    order = payload["order"]
    names = ("id", "number", "accessToken", "total", "lines", "payments")
    return [codes(payload), None if order is None else [order[name] for name in names]]


if __name__ == "__main__":
    url, asked, times, manners = sys.argv[1:]
    careless = patch.object(once, "begin", lambda *_: None)
    with careless if manners == "careless" else contextlib.nullcontext():
        asyncio.run(main(url, json.loads(asked), int(times)))
