"""The three channels of the demo: starts their sandboxes with data, and builds the gateway's environment for them."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import gateway_amazon_sandbox
import gateway_shopify_sandbox
import gateway_sqlpos_sandbox
from examples.demo import generated, marketplace, store
from examples.demo.gateway_process import CONFIG
from examples.demo.presentation import PICTURES
from examples.demo.queries import SHOWN
from examples.demo.retail import ReceiptLine
from examples.demo.shoppers import add_shoppers
from examples.demo.world import build_world
from gateway.runtime.gateway import get_utc_now
from gateway.sdk.testing.sandbox import Sandbox, World
from gateway_amazon_sandbox.sandbox import AmazonSandbox
from gateway_shopify_sandbox import ShopifySandbox
from gateway_sqlpos_sandbox import SqlPosSandbox
from gateway_sqlpos_sandbox.seed import compute_fingerprint

WEB_SCALE, AMAZON_SCALE = 100.0, 20.0
"""Factors by which the sandboxes raise the real rate limits, so that the demo does not take minutes to sync."""

WEB, AMAZON, CHANGED = "web.saved", "amazon.saved", "changed"
"""Files of the state: the saved data of the sandboxes, and whether one was changed."""

EXTERNAL_LOCATIONS = {
    "till": {"store-london": generated.LONDON, "store-manchester": generated.MANCHESTER},
    "web": {"warehouse-leeds": store.LEEDS, "store-manchester": generated.MANCHESTER},
    "amazon": {"warehouse-leeds": marketplace.MERCHANT, "amazon-fba": marketplace.FBA},
}
"""The external location ids of the configured locations, by channel."""


@dataclass(frozen=True, slots=True)
class Sandboxes:
    """The running sandboxes."""

    till: SqlPosSandbox
    web: ShopifySandbox
    amazon: AmazonSandbox

    @property
    def by_channel(self) -> Mapping[str, Sandbox]:
        """The sandboxes by channel key."""
        return {"till": self.till, "web": self.web, "amazon": self.amazon}

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables for a gateway that uses them."""
        return {
            "DEMO_TILL": str(self.till.config["url"]),
            "DEMO_WEB": str(self.web.config["address"]),
            "DEMO_WEB_TOKEN": str(self.web.config["access_token"]),
            "DEMO_WEB_SECRET": str(self.web.config["webhook_secrets"][0]),
            "DEMO_WEB_LEEDS": self.web.locations[store.LEEDS],
            "DEMO_WEB_MANCHESTER": self.web.locations[generated.MANCHESTER],
            "DEMO_AMAZON": str(self.amazon.config["endpoint"]),
            "DEMO_AMAZON_SECRET": str(self.amazon.config["client_secret"]),
            "DEMO_AMAZON_TOKEN": str(self.amazon.config["refresh_token"]),
        }


def build_worlds(lines: Sequence[ReceiptLine], pictures: str = PICTURES) -> dict[str, World]:
    """Build the data of each channel. `pictures`: URL under which the web store's pictures are served."""
    web = store.build_store(lines, pictures)
    return add_shoppers({"till": build_world(lines), "web": web, "amazon": marketplace.build_account(lines)})


@contextlib.asynccontextmanager
async def start_sandboxes(
    worlds: Mapping[str, World],
    state: Path,
    *,
    scales: tuple[float, float] = (WEB_SCALE, AMAZON_SCALE),
    now: Callable[[], datetime] = get_utc_now,
    ticks: Callable[[], float] | None = None,
) -> AsyncIterator[Sandboxes]:
    """Run the sandboxes until the end of the context, and save their data then."""
    async with contextlib.AsyncExitStack() as stack:
        till = await gateway_sqlpos_sandbox.start(worlds["till"], state)
        stack.push_async_callback(till.close)
        web = await gateway_shopify_sandbox.start(worlds["web"], state, scale=scales[0], now=now)
        stack.push_async_callback(web.close)
        amazon = await gateway_amazon_sandbox.start(worlds["amazon"], state, scale=scales[1], now=now, ticks=ticks)
        stack.push_async_callback(amazon.close)
        load_sandboxes(state, web, amazon)
        yield Sandboxes(till, web, amazon)
        web.save(state / WEB)
        amazon.save(state / AMAZON)


def load_sandboxes(state: Path, web: ShopifySandbox, amazon: AmazonSandbox) -> None:
    """Load the data that the last run has saved. It is saved again at the end: a run that is killed leaves none."""
    if has_saved_data(state):
        web.load(state / WEB)
        amazon.load(state / AMAZON)
    for name in (WEB, AMAZON):
        (state / name).unlink(missing_ok=True)


def has_saved_data(state: Path) -> bool:
    """Return whether the last run has saved the data of its sandboxes."""
    return (state / WEB).exists() and (state / AMAZON).exists()


def reset_state(worlds: Mapping[str, World], state: Path) -> None:
    """Delete the state if the data differs from the last start, or if the last run was killed after a change."""
    note, now = state / "world", " ".join(compute_fingerprint(world) for world in worlds.values())
    if note.exists() and note.read_text(encoding="ascii") == now and (has_saved_data(state) or not has_changed(state)):
        return
    if state.exists():
        shutil.rmtree(state)
    state.mkdir(parents=True)
    (state / ".gitignore").write_text("*\n", encoding="ascii")
    note.write_text(now, encoding="ascii")


def has_changed(state: Path) -> bool:
    """Return whether a sandbox that saves its data at the end was changed before."""
    return (state / CHANGED).exists() or has_sent_commands(state / "gateway.db")


def has_sent_commands(database: Path) -> bool:
    """Return whether the gateway of this database sent commands to a sandbox that saves its data at the end."""
    with contextlib.closing(sqlite3.connect(database)) as conn:
        (there,) = conn.execute("SELECT count(*) FROM sqlite_master WHERE name = 'outbox'").fetchone()
        return bool(there and conn.execute("SELECT 1 FROM outbox WHERE channel <> 'till' LIMIT 1").fetchone())


def mark_changed(state: Path) -> None:
    """Record that a sandbox was changed which saves its data at the end."""
    (state / CHANGED).touch()


def summarize_worlds(worlds: Mapping[str, World]) -> dict[str, Any]:
    """Return the response of `GET /world`: a summary of each channel, and an example body for each action."""
    configured = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["channels"]
    return {
        key: {**_summarize_world(world, list(EXTERNAL_LOCATIONS[key])), "every": configured[key]["every"]}
        for key, world in worlds.items()
    }


def _summarize_world(world: World, locations: Sequence[str]) -> dict[str, Any]:
    return {
        "products": len(world.products),
        "customers": len(world.customers),
        "receipts": len(world.receipts),
        "locations": locations,
        "skus": [product.sku for product in world.products if product.sku in SHOWN],
        "sell": {"sku": SHOWN[0], "quantity": 1, "location": locations[0]},
        "price": {"sku": SHOWN[0], "amount": "2.95"},
        "product": {"sku": SHOWN[0], "title": "CAKESTAND"},
        "fault": {"mode": "down", "seconds": 30},
    }
