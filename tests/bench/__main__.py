"""`python -m tests.bench [--quick]`: runs every measurement and prints the tables."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench.runs import Measured, Runs
from tests.bench.table import Figure, ms, per_second, table

SEED = 20101201
BROKEN_CHANNELS = [f"{count} {mode}" for count in ("one", "two", "all") for mode in ("down", "hang", "garbage")]
A_PASS = 5000.0
"""Milliseconds that a pass may take on top of its interval."""
SEARCHES_SCALE = 2000.0
BROKEN = ("down", "hangs", "sleeps", "spins")
SELLERS = (("sqlite", 1), ("postgresql", 1), ("postgresql", 2))
"""Databases, and how many processes sell at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured, and how often."""

    small: int = 10_000
    large: int = 100_000
    times: int = 3
    resync: int = 10_000
    catalogue: int = 1_000
    queries: int = 100
    calls: int = 2_000
    store: int = 100_000
    scale: float = 20
    searches: int = 30
    orders: int = 1_000
    sales: int = 200
    load: float = 20
    hostile: int = 770
    rate: float = 200

    @property
    def runs(self) -> int:
        """How many measurements that makes."""
        return 4 * self.times + len(BROKEN) + len(SELLERS) + 14


QUICK = Sizes(
    small=1_000,
    large=5_000,
    times=1,
    resync=1_000,
    catalogue=300,
    queries=30,
    calls=200,
    store=300,
    scale=2,
    orders=100,
    sales=20,
    load=4,
    hostile=2,
    rate=50,
)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="small sizes, one run each: does it work?")
    arguments.add_argument("--only", nargs="+", metavar="PART", choices=[part.__name__ for part in PARTS.values()])
    asked = arguments.parse_args()
    sizes = QUICK if asked.quick else Sizes()
    console = Console()
    begun = time.monotonic()
    columns = (BarColumn(), TextColumn("{task.completed}/{task.total} {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        runs = Runs(progress, progress.add_task("", total=sizes.runs))
        for title, part in PARTS.items():
            if asked.only is not None and part.__name__ not in asked.only:
                continue
            console.print(table(title, part(runs, sizes)), "")
    console.print(f"{_machine()} · {sizes} · seed {SEED} · {time.monotonic() - begun:.0f} s")


def _machine() -> str:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{os.cpu_count()} cores, load {load:.1f} · {versions}"


def first_sync(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """N products and N counts from a channel that makes them up as it goes, until the sync is through."""
    small = runs.medians(sizes.times, "first_sync", dialect="sqlite", size=sizes.small, seed=SEED, bare=True)
    large = runs.medians(sizes.times, "first_sync", dialect="sqlite", size=sizes.large, seed=SEED, bare=True)
    postgres = runs.medians(sizes.times, "first_sync", dialect="postgresql", size=sizes.small, seed=SEED, bare=True)
    for name, size, found in (("SQLite", sizes.small, small), ("SQLite", sizes.large, large)):
        yield _rate(f"{name}, {size:,} variants with stock", found, 5_000)
    flat = _speed(large) / _speed(small)
    yield Figure(
        f"rate at {sizes.large:,} to rate at {sizes.small:,}", f"{flat:.2f}", "", None, "flat: 0.8", flat >= 0.8
    )
    for size, found in ((sizes.small, small), (sizes.large, large)):
        yield Figure(f"most memory, {size:,}", f"{found['memory']:.0f} MB", "", None, "400 MB", found["memory"] < 400)
    yield _rate(f"PostgreSQL, {sizes.small:,} variants with stock", postgres, None)


def _speed(found: Measured) -> float:
    return found["records"] / found["seconds"]


def _rate(name: str, found: Measured, target: int | None) -> Figure:
    ratio = found["seconds"] / found["bare_seconds"]
    value = f"{per_second(found['records'], found['seconds'])} records"
    met = None if target is None else _speed(found) >= target
    plain = per_second(found["records"], found["bare_seconds"])
    return Figure(name, value, plain, ratio, "" if target is None else f"{target:,}/s", met)


def beside(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """A list of 20 products, asked again and again while everything that is known changes."""
    found = runs.once("beside", products=sizes.resync, queries=sizes.queries, seed=SEED)
    for key in ("p50", "p99", "max"):
        after, before = found[f"beside_{key}"], found[f"alone_{key}"]
        target, met = ("100 ms", after < 100) if key == "p99" else ("", None)
        yield Figure(f"query beside the sync, {key}", ms(after), ms(before), after / before, target, met)
    spans = "p50 {write_p50:.1f}, p99 {write_p99:.1f}, max {write_max:.1f} ms".format(**found)
    yield Figure(f"{found['write_count']:.0f} write transactions", spans, "", None, "10 ms", found["write_p99"] <= 10)
    gaps = "p50 {gap_p50:.1f}, min {gap_min:.2f} ms".format(**found)
    yield Figure("gaps between them", gaps, "", None, "10 ms", found["gap_p50"] >= 10)
    rate = per_second(2 * sizes.resync, found["resync_seconds"])
    yield Figure(f"{2 * sizes.resync:,} changed records beside the queries", rate)


def lists(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Products with three variants, each listed in three channels; orders with lines, customers and what was sold."""
    for dialect in ("sqlite", "postgresql"):
        found = runs.once("lists", dialect=dialect, products=sizes.catalogue, queries=sizes.queries // 4, seed=SEED)
        for name in ("products", "orders"):
            for first in (5, 20, 100):
                count = found[f"{name}_{first}_statements"]
                value = f"{count:.0f} statements, {ms(found[f'{name}_{first}_p50'])}"
                yield Figure(f"{name}, first: {first}, {dialect}", value, "", None, "8 statements", count <= 8)


def broken(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Another channel is broken: what that adds to queries that ask nothing live, and to live ones."""
    for fault in BROKEN:
        found = runs.once("broken", fault=fault, products=sizes.catalogue, queries=sizes.queries, seed=SEED)
        for key in ("p50", "p99"):
            after, before = found[f"broken_{key}"], found[f"quiet_{key}"]
            yield Figure(f"{fault}: a query, {key}", ms(after), ms(before), after / before)
        most = found["broken_live_max"]
        limit = found["deadline"] + 100
        target = None if fault == "spins" else most <= limit
        yield Figure(f"{fault}: a live query, max", ms(most), ms(found["quiet_live_max"]), None, ms(limit), target)
        if fault == "spins":
            yield Figure("the switch interval meanwhile", ms(found["interval"]))


def channels(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """The demo: 20 products over till, web store and marketplace, from another process over HTTP."""
    found = runs.once("channels", queries=sizes.queries, changes=sizes.queries // 5)
    for name in BROKEN_CHANNELS:
        after, before = found[f"{name}_p50"], found["quiet_p50"]
        yield Figure(f"20 products, {name}: median", ms(after), ms(before), after / before)
    most = found["seen_max"]
    value = f"median {found['seen_p50']:.0f}, max {most:.0f} ms"
    yield Figure("a price of the web store, until it is seen", value, "", None, "1 s", most < 1000)
    for key, name in (("till", "at the till"), ("amazon", "on the marketplace")):
        taken, every = found[f"{key}_seen"], found[f"{key}_every"]
        target = f"{every / 1000:.0f} s, and a pass"
        yield Figure(f"a price {name}, until it is seen", ms(taken), "", None, target, taken < every + A_PASS)


def budget(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """The store's clock runs faster than ours, and it shares this machine with the gateway."""
    found = runs.once("budget", variants=sizes.store, scale=sizes.scale, seed=SEED)
    used, refused = found["used"], found["refused"]
    name = f"{sizes.store:,} variants, clock x {sizes.scale:g}, {found['seconds']:.0f} s: points used"
    value = f"{found['spent']:,.0f} of {found['allowed']:,.0f}: {used:.1%}, {refused:.0f} refused"
    yield Figure(name, value, "", None, "90 %, 0 refused", used >= 0.9 and not refused)
    yield Figure("variants, each with its stock", per_second(sizes.store, found["seconds"]))
    yield Figure("points for each of them", f"{found['spent'] / sizes.store:.1f}")


def rates(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """As many searches of orders as it takes to empty the bucket, on a clock that runs faster than ours."""
    for dialect in ("sqlite", "postgresql"):
        found = runs.once("rates", dialect=dialect, calls=sizes.searches, scale=SEARCHES_SCALE)
        value = f"{found['asked']:.0f} of {found['allowed']:.0f}, {found['refused']:.0f} refused"
        yield Figure(f"searches, clock x {SEARCHES_SCALE:g}, {dialect}", value, "", None, "0", not found["refused"])
        burst, most = found["burst"], found["allowed_burst"]
        yield Figure(f"most at once beyond the rate, {dialect}", f"{burst:.1f}", "", None, f"{most:.0f}", burst <= most)


def ordering(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """`orderPlace` through GraphQL, of channels that answer at once: alone, and while a whole catalogue changes."""
    found = runs.once("ordering", products=sizes.resync, orders=sizes.queries, seed=SEED)
    for key in ("p50", "p95", "p99"):
        after, before = found[f"beside_{key}"], found[f"alone_{key}"]
        target, met = ("150 ms", after < 150) if key == "p50" else ("", None)
        name = f"orderPlace beside the sync, {key} of {found['beside_count']:.0f}"
        yield Figure(name, ms(after), ms(before), after / before, target, met)


def throughput(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """As many orders as there is time for, the shoppers and the database on the same machine."""
    for dialect, processes in SELLERS:
        found = runs.once("throughput", dialect=dialect, processes=processes, orders=sizes.orders, seed=SEED)
        target, met = ("100/s", found["rate"] >= 100) if processes > 1 else ("", None)
        name = f"{dialect}, {processes} gateway{'s' if processes > 1 else ''}"
        yield Figure(f"orders, {name}", f"{found['rate']:.0f}/s", "", None, target, met)
        spans = "p50 {order_p50:.0f}, p95 {order_p95:.0f}, p99 {order_p99:.0f} ms".format(**found)
        yield Figure("… each takes", spans)
        value = f"{found['gateway_cpu']:.1f} ms"
        cpu = f"{value}, and {found['database_cpu']:.1f} ms of the database" if dialect != "sqlite" else value
        yield Figure("… and computes", cpu)


def following(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """A sale at the till: how soon it is observed depends on the channel; from then on it is ours."""
    found = runs.once("following", sales=sizes.sales, seed=SEED)
    for key in ("p50", "p99"):
        target, met = ("1 s", found["sent_p99"] < 1000) if key == "p99" else ("", None)
        name = f"a sale, from its count being stored until the web store is told, {key}"
        yield Figure(name, ms(found[f"sent_{key}"]), "", None, target, met)
    yield Figure("… until it is stored: a till that is looked at every 250 ms, p50", ms(found["seen_p50"]))
    seen = runs.once("detection")
    for key, name in (("till", "the tills"), ("web", "the web store"), ("amazon", "the marketplace")):
        every = f"looked at every {seen[f'{key}_every']:.0f} s"
        how = "that tells by itself" if key == "web" else every
        yield Figure(f"… of the demo: {name}, {how}", ms(seen[f"{key}_seen"]))


def overload(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """A list of 12 products over sockets, from 200 clients: ten times as often as it can be answered, in an open loop.

    The load comes from this machine too, so it takes its part of it. Medians of several runs.
    """
    found = runs.medians(sizes.times, "overload", products=sizes.catalogue, seconds=sizes.load, excess=10)
    capacity, goodput = found["capacity"], found["goodput"]
    kept = goodput / capacity
    name = f"answers a second at 10 times the capacity, {sizes.load:g} s (plain: capacity)"
    yield Figure(name, f"{goodput:.0f}/s", f"{capacity:.0f}/s", kept, "0.80", kept >= 0.8)
    for key, most in (("p50", None), ("p99", 3)):
        yield _times(f"those that are accepted, {key} (plain: unloaded)", found, "accepted", "alone", key, most)
    yield Figure(f"{found['refused']:.0f} refusals, p50", ms(found["refused_p50"]))
    yield Figure("… p99", ms(found["refused_p99"]), "", None, "100 ms", found["refused_p99"] < 100)
    recovered = found["recovered"]
    yield Figure("until it answers as usual again", f"{recovered:.1f} s", "", None, "2 s", recovered < 2)
    name = "one client beside one that floods"
    for key, most in (("p50", None), ("p99", 2)):
        yield _times(f"{name}, {key} (plain: alone)", found, "beside", "by_herself", key, most)


def _times(name: str, found: Measured, ours: str, other: str, key: str, most: float | None) -> Figure:
    after, before = found[f"{ours}_{key}"], found[f"{other}_{key}"]
    met = None if most is None else after <= most * before
    return Figure(name, ms(after), ms(before), after / before, "" if most is None else f"{most:g}", met)


def hostile(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Deep, wide, repetitive and costly documents, one after the other; and 800 connections that send half a header."""
    found = runs.once("hostile", products=100, times=sizes.hostile)
    slowest = found["hostile_p99"]
    yield Figure(f"{found['hostile_count']:.0f} requests refused, p50", ms(found["hostile_p50"]))
    yield Figure("… p99", ms(slowest), "", None, "50 ms", slowest < 50)
    yield Figure("… with a status of 500 or more", f"{found['failed']:.0f}", "", None, "0", not found["failed"])
    grown = found["grown"]
    yield Figure("… memory that the server has more afterwards", f"{grown:.1f} MB", "", None, "5 MB", grown < 5)
    light = found["light_p99"]
    yield Figure(
        "a light query beside them, p99 (plain: alone)", ms(light), ms(found["alone_p99"]), None, "60 ms", light < 60
    )
    closed, served = found["half_closed"], found["half_served"]
    yield Figure("800 half-sent headers: until all are closed", f"{closed:.1f} s", "", None, "10 s", closed < 10)
    value = f"{served:.0f} of 100, p99 {ms(found['half_p99'])}"
    yield Figure("… others are served meanwhile", value, "", None, "100", served == 100)


def rolling(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Two processes on one PostgreSQL, each restarted once; clients ask the other one where one does not answer."""
    found = runs.once("rolling", products=100, rate=sizes.rate)
    all_ = found["first"] + found["second"] + found["failed"]
    value = f"{found['failed']:.0f} of {all_:.0f}"
    yield Figure(f"requests that failed, at {sizes.rate:g}/s", value, "", None, "0", not found["failed"])
    yield Figure("… answered at the second try", f"{found['second']:.0f}")
    yield Figure("… how long they took", f"p50 {found['p50']:.0f}, p99 {found['p99']:.0f} ms")
    yield Figure(
        "processes that did not end with 0", f"{found['bad_codes']:.0f}", "", None, "0", not found["bad_codes"]
    )


def leaving(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Clients that leave while their queries wait for a channel; queries are looked after from their 20th ms on."""
    found = runs.once("leaving", times=sizes.queries)
    yield Figure("until the channel is asked for nothing any more, p50", ms(found["p50"]))
    yield Figure("… p99", ms(found["p99"]), "", None, "100 ms", found["p99"] < 100)


def plain(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Crossing threads."""
    found = runs.once("plain", calls=sizes.calls)
    yield _beside("a call on a lane, beside a thread that answers", found, "lane", "ping_pong")
    yield _beside("a read of five statements, beside sqlite3 on the spot", found, "read", "sqlite3")
    if "aiosqlite" in found:
        yield _beside("… beside SQLAlchemy over aiosqlite", found, "read", "aiosqlite")
    else:
        yield Figure("… beside SQLAlchemy over aiosqlite", "skipped: aiosqlite is not installed")


def _beside(name: str, found: Measured, ours: str, other: str) -> Figure:
    return Figure(name, f"{found[ours]:.0f} µs", f"{found[other]:.0f} µs", found[ours] / found[other])


PARTS: dict[str, Callable[[Runs, Sizes], Iterator[Figure]]] = {
    "First sync (plain: the same rows, upserted with nothing to decide)": first_sync,
    "After ready (plain: the same with no sync beside it; SQLite)": beside,
    "Lists over three channels": lists,
    "A broken channel (plain: all is well)": broken,
    "Three channels (plain: all is well)": channels,
    "A store's rate budget": budget,
    "A marketplace's rate, two gateways, restarted": rates,
    "An order (plain: no sync beside it; SQLite)": ordering,
    "Orders a second, on this machine": throughput,
    "From a sale at the till to the web store": following,
    "Ten times too much (over sockets; SQLite)": overload,
    "Meant to hurt": hostile,
    "A rolling restart": rolling,
    "Who leaves": leaving,
    "Crossing threads": plain,
}

if __name__ == "__main__":
    main()
