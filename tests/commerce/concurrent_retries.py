"""A process that sends the same order request many times at once.

``python -m tests.commerce.concurrent_retries URL INPUT TIMES MANNERS``. Manners: ``careful``, or ``careless``, which
looks up no idempotency key.

Prints, as JSON, the payloads and the commands that its channels received.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any
from unittest.mock import patch

from gateway.commerce import idempotency
from tests.gateways import Clock, run_gateway
from tests.graphql.mutation_documents import list_user_error_codes
from tests.graphql.shopper import TRUSTING, Shopper, build_stores
from tests.graphql.world import TOKENS, World, open_client


async def main(url: str, asked: dict[str, Any], times: int) -> None:
    channels, clock, tables = build_stores(), Clock(), {**TRUSTING, "tokens": TOKENS}
    async with run_gateway(url, channels, clock, **tables) as gateway, open_client(gateway) as client:
        shopper = Shopper(World(gateway, channels, clock, client))
        print("ready", flush=True)
        sys.stdin.readline()
        payloads = await asyncio.gather(*(shopper.ask("orderPlace", **asked) for _ in range(times)))
    commands = [ask.feed for store in channels.values() for ask in store.calls if ask.method == "send"]
    print(json.dumps({"answers": [summarize_payload(one) for one in payloads], "commands": commands}), flush=True)


def summarize_payload(payload: dict[str, Any]) -> list[Any]:
    """Return the parts of a payload that stay the same while the order is processed."""
    order = payload["order"]
    names = ("id", "number", "accessToken", "total", "lines", "payments")
    return [list_user_error_codes(payload), None if order is None else [order[name] for name in names]]


if __name__ == "__main__":
    url, asked, times, manners = sys.argv[1:]
    careless = patch.object(idempotency, "claim_key", lambda *_: None)
    with careless if manners == "careless" else contextlib.nullcontext():
        asyncio.run(main(url, json.loads(asked), int(times)))
