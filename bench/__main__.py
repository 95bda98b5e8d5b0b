"""`python -m bench [--quick]`: runs all measurements and prints the tables."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.cache_memory_figures import list_memory_figures
from bench.catalog_figures import list_figures
from bench.cost_cases import FIELD_PREFIX, ORDINARY
from bench.customer_figures import list_customer_figures
from bench.engine_figures import list_engine_figures, list_operation_figures, list_statement_figures
from bench.http_figures import list_hot_path_figures, list_http_figures
from bench.list_size_figures import list_size_figures
from bench.recognition_figures import list_recognition_figures
from bench.runner import Measured, Runs
from bench.search_quality_figures import list_quality_figures
from bench.table import Figure, format_ms, format_rate, render_table
from bench.two_process_figures import list_process_figures

SEED = 20101201
BROKEN_CHANNELS = [f"{count} {mode}" for count in ("one", "two", "all") for mode in ("down", "hang", "garbage")]
PASS_ALLOWANCE_MS = 5000.0
"""Milliseconds that a pass may take in addition to its interval."""
SEARCHES_SCALE = 2000.0
MOST_DEAR = 5.0
"""How many times as much CPU time a cost point of any field may take as one of an ordinary page."""
DEAREST_FIELDS = 15
"""Of the fields that the walk over the schema finds, how many the table shows."""
BROKEN = ("down", "hangs", "sleeps", "spins")
CUSTOMER_TIMES = 15
"""Runs of each read of customers."""
MAX_IDLE_CPU, MAX_IDLE_STATEMENTS = 0.02, 5.0
THROUGHPUT_SETUPS = (("sqlite", 1), ("postgresql", 1), ("postgresql", 2))
"""Databases, and the number of processes that place orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """The sizes and repetitions of the measurements."""

    small: int = 10_000
    large: int = 100_000
    times: int = 3
    resync: int = 10_000
    catalog: int = 1_000
    catalogs: tuple[int, ...] = (1_000, 10_000, 100_000)
    queries: int = 100
    calls: int = 2_000
    requests: int = 20_000
    store: int = 100_000
    scale: float = 20
    searches: int = 30
    orders: int = 1_000
    sales: int = 200
    visits: int = 4
    hot: int = 20_000
    load: float = 20
    hostile: int = 770
    idle: float = 20
    rate: float = 200
    records: int = 100_000
    customers: int = 100_000

    @property
    def runs(self) -> int:
        """The total number of measurements."""
        return 4 * self.times + len(BROKEN) + len(THROUGHPUT_SETUPS) + 2 * len(self.catalogs) + 31


QUICK = Sizes(
    small=1_000,
    large=5_000,
    times=1,
    resync=1_000,
    catalog=300,
    catalogs=(300, 600, 1_200),
    queries=30,
    calls=200,
    requests=1_000,
    store=300,
    scale=2,
    orders=100,
    sales=20,
    visits=1,
    hot=400,
    load=4,
    hostile=2,
    idle=3,
    rate=50,
    records=10_000,
    customers=3_000,
)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="small sizes, one run each, to test the benchmark")
    arguments.add_argument("--only", nargs="+", metavar="PART", choices=list(PARTS))
    arguments.add_argument("--catalogs", nargs="+", type=int, metavar="VARIANTS", help="sizes of the part `sizes`")
    arguments.add_argument("--charts", type=Path, metavar="FOLDER", help="where the parts that have charts write them")
    asked = arguments.parse_args()
    sizes = QUICK if asked.quick else Sizes()
    if asked.catalogs:
        sizes = replace(sizes, catalogs=tuple(asked.catalogs))
    console = Console()
    begun = time.monotonic()
    columns = (BarColumn(), TextColumn("{task.completed}/{task.total} {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        runs = Runs(progress, progress.add_task("", total=sizes.runs), asked.charts)
        for name, part in PARTS.items():
            if asked.only is None or name in asked.only:
                console.print(render_table(part.title, part.measure(runs, sizes)), "")
    console.print(f"{_describe_machine()} · {sizes} · seed {SEED} · {time.monotonic() - begun:.0f} s")


def _describe_machine() -> str:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    return f"{os.cpu_count()} cores, load {load:.1f} · {versions}"


def measure_first_sync(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure the first sync of N products and N counts from a synthetic channel."""
    small = runs.compute_medians(sizes.times, "first_sync", dialect="sqlite", size=sizes.small, seed=SEED, bare=True)
    large = runs.compute_medians(sizes.times, "first_sync", dialect="sqlite", size=sizes.large, seed=SEED, bare=True)
    postgres = runs.compute_medians(
        sizes.times, "first_sync", dialect="postgresql", size=sizes.small, seed=SEED, bare=True
    )
    for name, size, found in (("SQLite", sizes.small, small), ("SQLite", sizes.large, large)):
        yield _build_rate_figure(f"{name}, {size:,} variants with stock", found, 5_000)
    flat = _compute_speed(large) / _compute_speed(small)
    yield Figure(
        f"rate at {sizes.large:,} relative to {sizes.small:,}", f"{flat:.2f}", "", None, "flat: 0.8", flat >= 0.8
    )
    for size, found in ((sizes.small, small), (sizes.large, large)):
        yield Figure(f"peak memory, {size:,}", f"{found['memory']:.0f} MB", "", None, "400 MB", found["memory"] < 400)
    yield _build_rate_figure(f"PostgreSQL, {sizes.small:,} variants with stock", postgres, None)


def _compute_speed(found: Measured) -> float:
    return found["records"] / found["seconds"]


def _build_rate_figure(name: str, found: Measured, target: int | None) -> Figure:
    ratio = found["seconds"] / found["bare_seconds"]
    value = f"{format_rate(found['records'], found['seconds'])} records"
    met = None if target is None else _compute_speed(found) >= target
    plain = format_rate(found["records"], found["bare_seconds"])
    return Figure(name, value, plain, ratio, "" if target is None else f"{target:,}/s", met)


def measure_queries_beside_sync(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure a list of 20 products while all stored records change."""
    found = runs.run_once("queries_beside_sync", products=sizes.resync, queries=sizes.queries, seed=SEED)
    for key in ("p50", "p99", "max"):
        after, before = found[f"beside_{key}"], found[f"alone_{key}"]
        target, met = ("100 ms", after < 100) if key == "p99" else ("", None)
        yield Figure(f"query beside the sync, {key}", format_ms(after), format_ms(before), after / before, target, met)
    spans = "p50 {write_p50:.1f}, p99 {write_p99:.1f}, max {write_max:.1f} ms".format(**found)
    yield Figure(f"{found['write_count']:.0f} write transactions", spans, "", None, "10 ms", found["write_p99"] <= 10)
    gaps = "p50 {gap_p50:.1f}, min {gap_min:.2f} ms".format(**found)
    yield Figure("gaps between them", gaps, "", None, "10 ms", found["gap_p50"] >= 10)
    rate = format_rate(2 * sizes.resync, found["resync_seconds"])
    yield Figure(f"{2 * sizes.resync:,} changed records beside the queries", rate)


def measure_lists(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure lists of products with variants and listings, and of orders with lines, customers and variants."""
    for dialect in ("sqlite", "postgresql"):
        found = runs.run_once("lists", dialect=dialect, products=sizes.catalog, queries=sizes.queries // 4, seed=SEED)
        for name in ("products", "orders"):
            for first in (5, 20, 100):
                count = found[f"{name}_{first}_statements"]
                value = f"{count:.0f} statements, {format_ms(found[f'{name}_{first}_p50'])}"
                yield Figure(f"{name}, first: {first}, {dialect}", value, "", None, "8 statements", count <= 8)


def measure_catalog_sizes(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure the same requests over catalogs of several sizes, in variants."""
    return list_figures(runs, sizes.catalogs, sizes.queries // 5, SEED)


def measure_search_quality(runs: Runs, _sizes: Sizes) -> Iterator[Figure]:
    """Measure how well a search orders its results."""
    return list_quality_figures(runs)


def measure_engines(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure queries compiled, and by the reference executor."""
    return list_engine_figures(runs, sizes.catalog, sizes.queries // 5, SEED)


def measure_bare_statements(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure a storefront's list in a large catalog against its statements."""
    return list_statement_figures(runs, sizes.catalogs[-1], sizes.queries, SEED)


def measure_operations(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure the operations of `schema/operations` that need no login, in both engines."""
    return list_operation_figures(runs, sizes.queries // 10, SEED)


def measure_list_sizes(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure a list of a storefront against its number of products."""
    return list_size_figures(runs, sizes.queries // 10, SEED)


def measure_http(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure a list of a storefront over HTTP: executed, and cached, beside other servers."""
    return list_http_figures(runs, sizes.catalog, sizes.requests)


def measure_hot_path(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure each check of a request that is answered from the response cache."""
    return list_hot_path_figures(runs, sizes.catalog)


def measure_two_processes(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure two processes that share a PostgreSQL: cached lists, orders, and both."""
    return list_process_figures(runs, sizes.visits, SEED)


def measure_cache_memory(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure the memory of a process whose caches are full."""
    return list_memory_figures(runs, sizes.hot, sizes.hot // 4)


def measure_broken_channel(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure the effect of a broken channel on queries with and without live reads."""
    for fault in BROKEN:
        found = runs.run_once("broken_channels", fault=fault, products=sizes.catalog, queries=sizes.queries, seed=SEED)
        for key in ("p50", "p99"):
            after, before = found[f"broken_{key}"], found[f"quiet_{key}"]
            yield Figure(f"{fault}: a query, {key}", format_ms(after), format_ms(before), after / before)
        most = found["broken_live_max"]
        limit = found["deadline"] + 100
        target = None if fault == "spins" else most <= limit
        yield Figure(
            f"{fault}: a live query, max",
            format_ms(most),
            format_ms(found["quiet_live_max"]),
            None,
            format_ms(limit),
            target,
        )
        if fault == "spins":
            yield Figure("thread switch interval meanwhile", format_ms(found["interval"]))


def measure_channels(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure the demo over HTTP: 20 products with data of the till, the web store and the marketplace."""
    found = runs.run_once("channels", queries=sizes.queries, changes=sizes.queries // 5)
    for name in BROKEN_CHANNELS:
        after, before = found[f"{name}_p50"], found["quiet_p50"]
        yield Figure(f"20 products, {name}: median", format_ms(after), format_ms(before), after / before)
    most = found["seen_max"]
    value = f"median {found['seen_p50']:.0f}, max {most:.0f} ms"
    yield Figure("a price change in the web store, until a query shows it", value, "", None, "1 s", most < 1000)
    for key, name in (("till", "at the till"), ("amazon", "on the marketplace")):
        taken, every = found[f"{key}_seen"], found[f"{key}_every"]
        target = f"{every / 1000:.0f} s plus a pass"
        yield Figure(
            f"a price change {name}, until a query shows it",
            format_ms(taken),
            "",
            None,
            target,
            taken < every + PASS_ALLOWANCE_MS,
        )


def measure_rate_budget(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure a store whose clock runs faster than real time, on the same machine as the gateway."""
    found = runs.run_once("rate_budget", variants=sizes.store, scale=sizes.scale, seed=SEED)
    used, refused = found["used"], found["refused"]
    name = f"{sizes.store:,} variants, clock x {sizes.scale:g}, {found['seconds']:.0f} s: points used"
    value = f"{found['spent']:,.0f} of {found['allowed']:,.0f}: {used:.1%}, {refused:.0f} rejected"
    yield Figure(name, value, "", None, "90 %, 0 rejected", used >= 0.9 and not refused)
    yield Figure("variants with stock", format_rate(sizes.store, found["seconds"]))
    yield Figure("points per variant", f"{found['spent'] / sizes.store:.1f}")


def measure_rate_limits(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure enough order searches to empty the bucket, with a clock that runs faster than real time."""
    for dialect in ("sqlite", "postgresql"):
        found = runs.run_once("rate_limits", dialect=dialect, calls=sizes.searches, scale=SEARCHES_SCALE)
        value = f"{found['asked']:.0f} of {found['allowed']:.0f}, {found['refused']:.0f} rejected"
        yield Figure(f"searches, clock x {SEARCHES_SCALE:g}, {dialect}", value, "", None, "0", not found["refused"])
        burst, most = found["burst"], found["allowed_burst"]
        yield Figure(
            f"largest burst beyond the rate, {dialect}", f"{burst:.1f}", "", None, f"{most:.0f}", burst <= most
        )


def measure_order_placement(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure `orderPlace` with channels that respond immediately: alone, and while a whole catalog changes."""
    found = runs.run_once("order_placement", products=sizes.resync, orders=sizes.queries, seed=SEED)
    for key in ("p50", "p95", "p99"):
        after, before = found[f"beside_{key}"], found[f"alone_{key}"]
        target, met = ("150 ms", after < 150) if key == "p50" else ("", None)
        name = f"orderPlace beside the sync, {key} of {found['beside_count']:.0f}"
        yield Figure(name, format_ms(after), format_ms(before), after / before, target, met)


def measure_order_throughput(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure orders per second, with clients and database on the same machine."""
    for dialect, processes in THROUGHPUT_SETUPS:
        found = runs.run_once("order_throughput", dialect=dialect, processes=processes, orders=sizes.orders, seed=SEED)
        target, met = ("100/s", found["rate"] >= 100) if processes > 1 else ("", None)
        name = f"{dialect}, {processes} gateway{'s' if processes > 1 else ''}"
        yield Figure(f"orders, {name}", f"{found['rate']:.0f}/s", "", None, target, met)
        spans = "p50 {order_p50:.0f}, p95 {order_p95:.0f}, p99 {order_p99:.0f} ms".format(**found)
        yield Figure("… time per order", spans)
        value = f"{found['gateway_cpu']:.1f} ms"
        cpu = f"{value}, and {found['database_cpu']:.1f} ms in the database" if dialect != "sqlite" else value
        yield Figure("… CPU time per order", cpu)


def measure_stock_propagation(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure a sale at the till until the web store is updated; the detection depends on the channel."""
    found = runs.run_once("stock_propagation", sales=sizes.sales, seed=SEED)
    for key in ("p50", "p99"):
        target, met = ("1 s", found["sent_p99"] < 1000) if key == "p99" else ("", None)
        name = f"from the stored count of a sale to the push to the web store, {key}"
        yield Figure(name, format_ms(found[f"sent_{key}"]), "", None, target, met)
    yield Figure("… from the sale to the stored count: polled every 250 ms, p50", format_ms(found["seen_p50"]))
    seen = runs.run_once("change_detection")
    for key, name in (("till", "the till"), ("web", "the web store"), ("amazon", "the marketplace")):
        every = f"polled every {seen[f'{key}_every']:.0f} s"
        how = "by webhook" if key == "web" else every
        yield Figure(f"… of the demo: {name}, {how}", format_ms(seen[f"{key}_seen"]))


def measure_overload(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure a list of 12 products over sockets, from 200 clients, at ten times the capacity, in an open loop.

    The load generator shares the machine. Medians of several runs.
    """
    found = runs.compute_medians(sizes.times, "overload", products=sizes.catalog, seconds=sizes.load, excess=10)
    capacity, goodput = found["capacity"], found["goodput"]
    goodput_ratio = goodput / capacity
    name = f"responses per second at 10 times the capacity, {sizes.load:g} s (plain: capacity)"
    yield Figure(name, f"{goodput:.0f}/s", f"{capacity:.0f}/s", goodput_ratio, "0.80", goodput_ratio >= 0.8)
    for key, most in (("p50", None), ("p99", 3)):
        yield _build_ratio_figure(f"accepted requests, {key} (plain: unloaded)", found, "accepted", "alone", key, most)
    yield Figure(f"{found['refused']:.0f} rejections, p50", format_ms(found["refused_p50"]))
    yield Figure("… p99", format_ms(found["refused_p99"]), "", None, "100 ms", found["refused_p99"] < 100)
    recovered = found["recovered"]
    yield Figure("until normal response times", f"{recovered:.1f} s", "", None, "2 s", recovered < 2)
    name = "one client beside a flood"
    for key, most in (("p50", None), ("p99", 2)):
        yield _build_ratio_figure(f"{name}, {key} (plain: alone)", found, "beside", "by_herself", key, most)


def _build_ratio_figure(name: str, found: Measured, ours: str, other: str, key: str, most: float | None) -> Figure:
    after, before = found[f"{ours}_{key}"], found[f"{other}_{key}"]
    met = None if most is None else after <= most * before
    return Figure(name, format_ms(after), format_ms(before), after / before, "" if most is None else f"{most:g}", met)


def measure_hostile_requests(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure deep, wide, repetitive and expensive documents, and 800 connections with incomplete headers."""
    found = runs.run_once("hostile_requests", products=100, times=sizes.hostile)
    slowest = found["hostile_p99"]
    yield Figure(f"{found['hostile_count']:.0f} requests rejected, p50", format_ms(found["hostile_p50"]))
    yield Figure("… p99", format_ms(slowest), "", None, "50 ms", slowest < 50)
    yield Figure("… with a status of 500 or more", f"{found['failed']:.0f}", "", None, "0", not found["failed"])
    grown = found["grown"]
    yield Figure("… additional memory of the server", f"{grown:.1f} MB", "", None, "5 MB", grown < 5)
    light = found["light_p99"]
    yield Figure(
        "a light query beside them, p99 (plain: alone)",
        format_ms(light),
        format_ms(found["alone_p99"]),
        None,
        "60 ms",
        light < 60,
    )
    closed, served = found["half_closed"], found["half_served"]
    yield Figure("800 incomplete headers: until all are closed", f"{closed:.1f} s", "", None, "10 s", closed < 10)
    value = f"{served:.0f} of 100, p99 {format_ms(found['half_p99'])}"
    yield Figure("… other requests served meanwhile", value, "", None, "100", served == 100)


def measure_rolling_restart(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure two processes with one PostgreSQL, each restarted once; clients retry on the other one."""
    found = runs.run_once("rolling_restart", products=100, rate=sizes.rate)
    all_ = found["first"] + found["second"] + found["failed"]
    value = f"{found['failed']:.0f} of {all_:.0f}"
    yield Figure(f"requests that failed, at {sizes.rate:g}/s", value, "", None, "0", not found["failed"])
    yield Figure("… answered on the retry", f"{found['second']:.0f}")
    yield Figure("… response times", f"p50 {found['p50']:.0f}, p99 {found['p99']:.0f} ms")
    yield Figure(
        "processes with an exit code other than 0", f"{found['bad_codes']:.0f}", "", None, "0", not found["bad_codes"]
    )


def measure_client_disconnect(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure clients that disconnect while their queries wait for a channel; disconnects are checked after 20 ms."""
    found = runs.run_once("client_disconnect", times=sizes.queries)
    yield Figure("until the channel call is canceled, p50", format_ms(found["p50"]))
    yield Figure("… p99", format_ms(found["p99"]), "", None, "100 ms", found["p99"] < 100)


def measure_thread_hops(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure calls across threads."""
    found = runs.run_once("thread_hops", calls=sizes.calls)
    yield _build_comparison(
        "a call in a plugin thread, compared with a plain thread", found, "plugin_thread", "ping_pong"
    )
    yield _build_comparison(
        "a read of five statements, compared with sqlite3 in the same thread", found, "read", "sqlite3"
    )
    if "aiosqlite" in found:
        yield _build_comparison("… compared with SQLAlchemy over aiosqlite", found, "read", "aiosqlite")
    else:
        yield Figure("… compared with SQLAlchemy over aiosqlite", "skipped: aiosqlite is not installed")


def _build_comparison(name: str, found: Measured, ours: str, other: str) -> Figure:
    return Figure(name, f"{found[ours]:.0f} µs", f"{found[other]:.0f} µs", found[ours] / found[other])


@dataclass(frozen=True, slots=True)
class Part:
    """A group of measurements, printed as one table."""

    title: str
    measure: Callable[[Runs, Sizes], Iterator[Figure]]


def measure_operation_costs(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure the CPU time per cost point, relative to an ordinary page: at most 5 times as much."""
    found = runs.run_once("operation_costs", dialect="sqlite", products=sizes.small, seed=SEED)
    names = [name.removesuffix(" cost") for name in found if name.endswith(" cost")]
    plain = found[f"{ORDINARY} cpu"] / found[f"{ORDINARY} cost"]
    walked = sorted(
        (name for name in names if name.startswith(FIELD_PREFIX)), key=lambda name: -_compute_dearness(found, name)
    )
    for name in [name for name in names if name not in walked] + walked[:DEAREST_FIELDS]:
        yield _build_cost_figure(found, name, plain)
    met = all(_compute_dearness(found, name) <= MOST_DEAR * plain for name in walked)
    yield Figure(f"all {len(walked)} fields of the schema", "", "", None, f"{MOST_DEAR:g}", met)


def _compute_dearness(found: Measured, name: str) -> float:
    """Compute the CPU milliseconds per cost point."""
    return found[f"{name} cpu"] / found[f"{name} cost"]


def _build_cost_figure(found: Measured, name: str, plain: float) -> Figure:
    per_point = _compute_dearness(found, name)
    ratio = per_point / plain
    value = (
        f"{found[f'{name} cost']:,.0f} points, {format_ms(found[f'{name} cpu'])}: {1000 * per_point:,.0f} µs a point"
    )
    return Figure(name, value, f"{1000 * plain:,.0f} µs", ratio, f"{MOST_DEAR:g}", ratio <= MOST_DEAR)


def measure_recognition(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure recognition of customers in generated populations."""
    yield from list_recognition_figures(runs, sizes.records)


def measure_customers(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure counts and lists of customers, and the page of one."""
    return list_customer_figures(runs, sizes.customers, CUSTOMER_TIMES, SEED)


def measure_idle(runs: Runs, sizes: Sizes) -> Iterator[Figure]:
    """Measure gateways that have nothing to do."""
    for channels in (1, 50):
        found = runs.run_once("idle", dialect="sqlite", channels=channels, gateways=1, seconds=sizes.idle)
        cpu, statements = found["cpu"], found["statements"]
        yield Figure(f"SQLite, {channels} channels: of a core", f"{cpu:.2%}", "", None, "2 %", cpu < MAX_IDLE_CPU)
        yield Figure("… statements per second", f"{statements:.1f}")
    for gateways in (1, 2):
        found = runs.run_once("idle", dialect="postgresql", channels=50, gateways=gateways, seconds=sizes.idle)
        value, met = f"{found['statements']:.1f}", found["statements"] < MAX_IDLE_STATEMENTS
        name = f"PostgreSQL, 50 channels, {gateways} processes: statements per second of each"
        yield Figure(name, value, "", None, f"{MAX_IDLE_STATEMENTS:g}", met)
        yield Figure("… of a core", f"{found['cpu']:.2%}")


PARTS = {
    "first_sync": Part("First sync (plain: upserts of the same rows)", measure_first_sync),
    "beside": Part("Queries beside a sync (plain: without the sync; SQLite)", measure_queries_beside_sync),
    "lists": Part("Lists over three channels", measure_lists),
    "sizes": Part(
        "Catalogs of 1,000 / 10,000 / 100,000 variants (ratio: the last to the one before)", measure_catalog_sizes
    ),
    "search_quality": Part("Search: nDCG@10 of 200 judged queries (plain: by title)", measure_search_quality),
    "engines": Part("Compiled queries (plain: the reference executor; CPU; SQLite)", measure_engines),
    "operations": Part("Operations of schema/operations (plain: the reference executor; CPU)", measure_operations),
    "bare_statements": Part("A list in a large catalog (plain: its statements by the driver)", measure_bare_statements),
    "list_sizes": Part(
        "A list by its number of products (plain: the reference executor; CPU; SQLite)", measure_list_sizes
    ),
    "http": Part("Requests over HTTP: CPU of the server, and rate (plain: Mercurius with JIT)", measure_http),
    "hot_path": Part("Checks of a cached response before the framework: CPU in process", measure_hot_path),
    "two_processes": Part("Two processes with one PostgreSQL (plain: one process)", measure_two_processes),
    "memory": Part("Memory of a process with full caches (plain: before)", measure_cache_memory),
    "broken": Part("A broken channel (plain: no fault)", measure_broken_channel),
    "channels": Part("Three channels (plain: no fault)", measure_channels),
    "budget": Part("A store's rate budget", measure_rate_budget),
    "rates": Part("A marketplace's rate limit, two gateways, restarted", measure_rate_limits),
    "ordering": Part("Order placement beside a sync (plain: without the sync; SQLite)", measure_order_placement),
    "throughput": Part("Orders per second", measure_order_throughput),
    "following": Part("Stock propagation from the till to the web store", measure_stock_propagation),
    "overload": Part("Overload: ten times the capacity (over sockets; SQLite)", measure_overload),
    "hostile": Part("Hostile requests", measure_hostile_requests),
    "rolling": Part("Rolling restart", measure_rolling_restart),
    "leaving": Part("Client disconnects", measure_client_disconnect),
    "plain": Part("Calls across threads", measure_thread_hops),
    "idle": Part("An idle gateway", measure_idle),
    "recognition": Part("Recognition of customers (plain: all with an equal value are one)", measure_recognition),
    "customers": Part("Customers: segments and pages (plain: a count of all rows)", measure_customers),
    "cost": Part("CPU time per cost point (plain: an ordinary page; SQLite)", measure_operation_costs),
}
"""The parts, by the name that `--only` takes."""

if __name__ == "__main__":
    main()
