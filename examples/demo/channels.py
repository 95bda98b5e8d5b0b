"""The three channels of the demo: their twins, started with what they hold, and what the gateway is told of them."""

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

import gateway_amazon.sandbox
import gateway_shopify.sandbox
import gateway_sqlpos.sandbox
from examples.demo import made_up, marketplace, store
from examples.demo.gateway_process import CONFIG
from examples.demo.queries import SHOWN
from examples.demo.retail import Sold
from examples.demo.world import world_of
from gateway.runtime import utc_now
from gateway.sdk.testing.sandbox import Sandbox, World
from gateway_amazon.sandbox.twin import AmazonSandbox
from gateway_shopify.sandbox import ShopSandbox
from gateway_sqlpos.sandbox import TillSandbox
from gateway_sqlpos.sandbox.loading import fingerprint

WEB_SCALE, AMAZON_SCALE = 100.0, 20.0
"""How much more often than real ones they let themselves be asked, so that nobody has to wait for minutes."""

PLACES = {
    "till": {"store-london": made_up.LONDON, "store-manchester": made_up.MANCHESTER},
    "web": {"warehouse-leeds": store.LEEDS, "store-manchester": made_up.MANCHESTER},
    "amazon": {"warehouse-leeds": marketplace.MERCHANT, "amazon-fba": marketplace.FBA},
}
"""What each channel calls the locations of the configuration."""


@dataclass(frozen=True, slots=True)
class Twins:
    """The running twins."""

    till: TillSandbox
    web: ShopSandbox
    amazon: AmazonSandbox

    @property
    def sandboxes(self) -> Mapping[str, Sandbox]:
        """By the channels' keys."""
        return {"till": self.till, "web": self.web, "amazon": self.amazon}

    @property
    def environment(self) -> Mapping[str, str]:
        """What a gateway is told that talks to them."""
        return {
            "DEMO_TILL": str(self.till.config["url"]),
            "DEMO_WEB": str(self.web.config["address"]),
            "DEMO_WEB_TOKEN": str(self.web.config["access_token"]),
            "DEMO_WEB_SECRET": str(self.web.config["webhook_secrets"][0]),
            "DEMO_WEB_LEEDS": self.web.places[store.LEEDS],
            "DEMO_WEB_MANCHESTER": self.web.places[made_up.MANCHESTER],
            "DEMO_AMAZON": str(self.amazon.config["endpoint"]),
            "DEMO_AMAZON_SECRET": str(self.amazon.config["client_secret"]),
            "DEMO_AMAZON_TOKEN": str(self.amazon.config["refresh_token"]),
        }


def worlds_of(lines: Sequence[Sold]) -> dict[str, World]:
    """What each channel holds."""
    return {"till": world_of(lines), "web": store.store_of(lines), "amazon": marketplace.account_of(lines)}


@contextlib.asynccontextmanager
async def started(
    worlds: Mapping[str, World],
    kept: Path,
    *,
    scales: tuple[float, float] = (WEB_SCALE, AMAZON_SCALE),
    now: Callable[[], datetime] = utc_now,
    ticks: Callable[[], float] | None = None,
) -> AsyncIterator[Twins]:
    """The twins, until the end of the context. The till keeps what happens to it; the others live as long as this."""
    async with contextlib.AsyncExitStack() as stack:
        till = await gateway_sqlpos.sandbox.start(worlds["till"], kept)
        stack.push_async_callback(till.close)
        web = await gateway_shopify.sandbox.start(worlds["web"], kept, scale=scales[0], now=now)
        stack.push_async_callback(web.close)
        amazon = await gateway_amazon.sandbox.start(worlds["amazon"], kept, scale=scales[1], now=now, ticks=ticks)
        stack.push_async_callback(amazon.close)
        yield Twins(till, web, amazon)


def forget_others(worlds: Mapping[str, World], kept: Path) -> None:
    """Begin anew where the last start had other data, or changed what does not outlive its twin."""
    note, now = kept / "world", " ".join(fingerprint(world) for world in worlds.values())
    if note.exists() and note.read_text(encoding="ascii") == now and not told_others(kept / "gateway.db"):
        return
    if kept.exists():
        shutil.rmtree(kept)
    kept.mkdir(parents=True)
    (kept / ".gitignore").write_text("*\n", encoding="ascii")
    note.write_text(now, encoding="ascii")


def told_others(database: Path) -> bool:
    """Whether the gateway of this database has told anything to a twin that has forgotten it by now."""
    with contextlib.closing(sqlite3.connect(database)) as conn:
        (there,) = conn.execute("SELECT count(*) FROM sqlite_master WHERE name = 'outbox'").fetchone()
        return bool(there and conn.execute("SELECT 1 FROM outbox WHERE channel <> 'till' LIMIT 1").fetchone())


def note_change(kept: Path) -> None:
    """Something happened in a twin that forgets it at its end: so must the gateway, before the next start."""
    (kept / "world").unlink(missing_ok=True)


def summary(worlds: Mapping[str, World]) -> dict[str, Any]:
    """What `GET /world` says: what there is, and a body for each thing that can be done to it."""
    configured = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["channels"]
    return {
        key: {**_summary(world, list(PLACES[key])), "every": configured[key]["every"]} for key, world in worlds.items()
    }


def _summary(world: World, locations: Sequence[str]) -> dict[str, Any]:
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
