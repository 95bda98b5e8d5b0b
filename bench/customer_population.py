"""Customers of two channels with orders, consents, tags and totals, inserted in bulk: what ingest would have stored."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from gateway.model import validation
from gateway.model.ids import derive_id
from gateway.storage.database import Database
from gateway.storage.sql.bulk import dump_json
from gateway.storage.tables import (
    consent_facts,
    contacts,
    customer_consents,
    customer_review_members,
    customer_reviews,
    customers,
    identities,
    interactions,
    loyalty_accounts,
    loyalty_entries,
    order_lines,
    orders,
    spendings,
)

Row = dict[str, Any]

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
STORES = ("shop", "outlet", *(f"store-{n}" for n in range(18)))
"""External locations of the till, of which each store order has one."""

SKUS, PRICE, AGE = 2_000, 12_50, 3 * 365 * 86_400
"""Different SKUs, the price of each in pence, and the greatest age of an order in seconds."""

TAGS = ("vip", "trade", "student", "newsletter", "staff", "wholesale", "press", "gift")
PURPOSES = {"MARKETING_EMAIL": 0.4, "MARKETING_SMS": 0.1, "PROFILING": 0.25}
TAGGED, WITH_LOGIN, IN_REVIEW, MAX_ORDERS = 0.2, 0.3, 0.002, 8
"""Shares of customers, and the number of orders that an ordinary one can have."""

CHUNK = 2_000
"""Customers of a transaction."""

SAMPLE_SIZES = (1, 20, 200)
"""How many identities, orders, interactions, consents and points a customer has whose page is measured."""


def build_customer_id(name: str | int) -> str:
    """Build the id of an ordinary customer by number, or of one whose page is measured by name."""
    return derive_id("customer", name)


def build_sku(n: int) -> str:
    return f"SKU-{n}"


async def store_population(database: Database, size: int, seed: int) -> None:
    """Store this many customers, and for each of `SAMPLE_SIZES` one that has as many of everything."""
    source = Random(seed)
    for start in range(0, size, CHUNK):
        rows = Rows(source)
        for n in range(start, min(start + CHUNK, size)):
            rows.add_customer(n)
        await database.write(rows.insert)
    rows = Rows(source)
    for count in SAMPLE_SIZES:
        rows.add_sample(count)
    await database.write(rows.insert)
    await _collect_statistics(database)


async def _collect_statistics(database: Database) -> None:
    """Do what a PostgreSQL server does by itself within a minute: collect statistics, and mark what all can see."""
    url = sa.make_url(database.url)
    if url.get_backend_name() == "postgresql":
        engine = create_async_engine(url.set(drivername="postgresql+asyncpg"), isolation_level="AUTOCOMMIT")
        async with engine.connect() as conn:
            await conn.execute(sa.text("VACUUM ANALYZE"))
        await engine.dispose()


@dataclass(slots=True)
class Rows:
    """Rows of customers, by table."""

    source: Random
    by_table: dict[sa.Table, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def insert(self, conn: Connection) -> None:
        """Insert them."""
        for table, rows in self.by_table.items():
            names = table.columns.keys()
            conn.execute(sa.insert(table), [{name: row.get(name) for name in names} for row in rows])

    def add_customer(self, n: int) -> None:
        """Add a customer with a record in one channel or in both, and some orders: many have one, few have many."""
        customer_id = build_customer_id(n)
        channels = self.source.choice((("till",), ("web",), ("till", "web")))
        keys = [(channel, f"{n}") for channel in channels]
        for index, key in enumerate(keys):
            self._add_identity(customer_id, key, derive_id("home", *key) if index else customer_id, NOW)
        count = min(int(self.source.expovariate(0.5)), MAX_ORDERS)
        placed = [self._add_order(f"{n}-{number}", self.source.choice(keys)) for number in range(count)]
        tags = self.source.sample(TAGS, 2) if self.source.random() < TAGGED else []
        self._add_profile(customer_id, f"Customer {n}", channels, tags, placed)
        self._add_consents(customer_id, keys[0])
        if self.source.random() < IN_REVIEW:
            self._add_review(keys[0])

    def add_sample(self, count: int) -> None:
        """Add a customer who has this many records, orders, interactions, consents and entries of points."""
        customer_id = build_customer_id(f"sample {count}")
        placed = []
        for number in range(count):
            key = ("till" if number % 2 else "web", f"sample-{count}-{number}")
            home = derive_id("home", *key) if number else customer_id
            self._add_identity(customer_id, key, home, NOW + timedelta(minutes=number - count))
            placed.append(self._add_order(f"sample-{count}-{number}", key))
            self._add_decision(key, "MARKETING_EMAIL", key[1])
            self._add_interaction(key)
        self._add_points(("web", f"sample-{count}-0"), count)
        channels = ("till", "web") if count > 1 else ("web",)
        self._add_profile(customer_id, f"Sample {count}", channels, list(TAGS[:2]), placed)

    def _add_profile(
        self, customer_id: str, name: str, channels: Sequence[str], tags: list[str], placed: list[Row]
    ) -> None:
        """Add the golden record, with what it is found by."""
        email = f"{name.replace(' ', '.').lower()}@example.com"
        phone = f"+44 7700 {self.source.randrange(10**6):06}"
        times = [row["placed_at"] for row in placed]
        row = self._build_golden_record(customer_id, name, email, phone) | {
            "tags": json.dumps(tags),
            "channels": dump_json(channels),
            "channels_version": 1,
            "order_count": len(placed) or None,
            "store_order_count": sum(row["place"] is not None for row in placed) if placed else None,
            "first_order_at": min(times, default=None),
            "last_order_at": max(times, default=None),
        }
        self.by_table[customers].append(row)
        values = [("email", email), ("phone", phone.replace("+", "").replace(" ", "")), *(("tag", tag) for tag in tags)]
        self.by_table[contacts] += [
            {"kind": kind, "value": value, "customer_id": customer_id} for kind, value in values
        ]
        if placed:
            total = sum(row["total"] for row in placed)
            self.by_table[spendings].append({"customer_id": customer_id, "currency": "GBP", "total": total})

    def _build_golden_record(self, customer_id: str, name: str, email: str, phone: str) -> Row:
        address = {"line1": f"{self.source.randrange(200)} St James's Square", "city": "London", "country_code": "GB"}
        given, _, family = name.partition(" ")
        seen = NOW - timedelta(seconds=self.source.randrange(10**8))
        return {
            "id": customer_id,
            "version": 1,
            "display_name": name,
            "given_name": given,
            "family_name": family,
            "emails": json.dumps([[email, True, True, ["web"]]]),
            "phones": json.dumps([[phone, False, True, ["till", "web"]]]),
            "addresses": json.dumps([address | {"postal_code": "SW1Y 4LE", "name": name}]),
            "visible": True,
            "sort_name": name.lower(),
            "words": name.lower(),
            "created_at": seen,
            "updated_at": seen,
            "locale": "en-GB",
            "has_login": self.source.random() < WITH_LOGIN,
        }

    def _add_identity(self, customer_id: str, key: tuple[str, str], home: str, linked_at: datetime) -> None:
        channel, external_id = key
        row = {
            "id": _build_identity_id(key),
            "customer_id": customer_id,
            "channel": channel,
            "external_id": external_id,
            "evidence": "[]",
            "gone": False,
            "linked_at": linked_at,
            "home": home,
            "proved_id": home,
            "links": "[]",
            "display_name": external_id,
            **dict.fromkeys(("emails", "phones", "addresses", "tags"), "[]"),
            "changed_at": linked_at,
        }
        self.by_table[identities].append(row)

    def _add_order(self, name: str, buyer: tuple[str, str]) -> Row:
        """Add an order with one or two lines, in a store of the till or in the web store."""
        channel, customer = buyer
        lines = self.source.randrange(1, 3)
        row = {
            "id": derive_id("order", channel, name),
            "version": 1,
            "channel": channel,
            "external_id": name,
            "number": name,
            "place": self.source.choice(STORES) if channel == "till" else None,
            "customer": customer,
            "customer_channel": channel,
            "status": "OPEN",
            "fulfillment_status": "FULFILLED",
            "payment_status": "PAID",
            "return_status": "NONE",
            "currency": "GBP",
            "tax_lines": "[]",
            "total": lines * PRICE,
            "words": name,
            "placed_at": NOW - timedelta(seconds=self.source.randrange(AGE)),
            "updated_at": NOW,
        }
        self.by_table[orders].append(row)
        self.by_table[order_lines] += [self._build_line(row, position) for position in range(lines)]
        return row

    def _build_line(self, order: Row, position: int) -> Row:
        sku = build_sku(self.source.randrange(SKUS))
        return {
            "id": derive_id("line", order["id"], position),
            "order_id": order["id"],
            "external_id": f"{position}",
            "position": position,
            "channel": order["channel"],
            "generation": 0,
            "title": sku,
            "sku": sku,
            "sku_key": validation.normalize_sku(sku),
            "quantity": 1,
            "unit_price": PRICE,
            "total": PRICE,
            "currency": "GBP",
            "fulfilled_quantity": 1,
            "returned_quantity": 0,
        }

    def _add_consents(self, customer_id: str, key: tuple[str, str]) -> None:
        for purpose, share in PURPOSES.items():
            if self.source.random() < share:
                self._add_decision(key, purpose, key[1])
                self.by_table[customer_consents].append({"customer_id": customer_id, "purpose": purpose})

    def _add_decision(self, key: tuple[str, str], purpose: str, name: str) -> None:
        row = {
            "id": derive_id("decision", *key, purpose, name),
            "identity_id": _build_identity_id(key),
            "purpose": purpose,
            "granted": True,
            "confirmed": False,
            "source": "CHANNEL",
            "channel": key[0],
            **dict.fromkeys(("earliest", "latest", "decided_at", "received_at"), NOW),
        }
        self.by_table[consent_facts].append(row)

    def _add_review(self, key: tuple[str, str]) -> None:
        id_ = derive_id("review", *key)
        review = {"id": id_, "key": id_, "state": "OPEN", "reason": "EMAIL", "evidence": "[]", "created_at": NOW}
        self.by_table[customer_reviews].append(review)
        member = {"identity_id": _build_identity_id(key), "review_id": id_}
        self.by_table[customer_review_members].append(member)

    def _add_interaction(self, key: tuple[str, str]) -> None:
        row = {
            "id": derive_id("interaction", *key),
            "identity_id": _build_identity_id(key),
            "kind": "NOTE",
            "occurred_at": NOW,
            "summary": "Called about a delivery",
            "public": False,
            "actor": "bench",
            "created_at": NOW,
        }
        self.by_table[interactions].append(row)

    def _add_points(self, key: tuple[str, str], count: int) -> None:
        """Add a loyalty account with this many entries."""
        account_id = derive_id("account", *key)
        account = {
            "id": account_id,
            "key": f"card:{key[1]}",
            "number": key[1],
            "identity_id": _build_identity_id(key),
            "balance": count,
            "pending": 0,
            "held": 0,
            "periods": "{}",
            "created_at": NOW,
            "updated_at": NOW,
        }
        self.by_table[loyalty_accounts].append(account)
        self.by_table[loyalty_entries] += [_build_entry(account_id, number) for number in range(count)]


def _build_identity_id(key: tuple[str, str]) -> str:
    return derive_id("identity", *key)


def _build_entry(account_id: str, number: int) -> Row:
    return {
        "id": derive_id("entry", account_id, number),
        "account_id": account_id,
        "key": f"bench:{number}",
        "expiry": False,
        "number": 0,
        "kind": "EARN",
        "points": 1,
        "reason": "Purchase",
        "occurred_at": NOW - timedelta(days=number),
        "posted_at": NOW,
    }
