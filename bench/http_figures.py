"""The figures of `http`: CPU milliseconds of the server for each request, beside other servers in the same run."""

from __future__ import annotations

from collections.abc import Iterator

from bench.http_requests import LISTED, SIZES
from bench.node_servers import NODE_SERVERS, NodeMissingError, prepare_node
from bench.runner import Measured, Runs
from bench.table import Figure, format_ms

RENDERED = "rendered"
"""The list with its products cached, and not the response."""

CACHED = ("cached", "cached, with a token", "cached, zstd", "cached, GET", "304")
PLAIN = {"by_hand": "ASGI by hand, in memory", "strawberry": "Strawberry, in memory", "bare": "bare ASGI"}
MAX_NOTHING_CACHED_MS, MAX_RENDERED_MS, MAX_CACHED_MS = 3.0, 0.16, 0.11
YARDSTICK = "mercurius"


def list_http_figures(runs: Runs, products: int, requests: int) -> Iterator[Figure]:
    """List the figures. The plain operation is the same list by Mercurius with JIT, if Node.js is there."""
    node, problem = _find_node()
    found = runs.run_once("http_requests", products=products, requests=requests, node=node)
    targets = {f"list of {LISTED}": MAX_NOTHING_CACHED_MS, RENDERED: MAX_RENDERED_MS}
    targets |= dict.fromkeys(CACHED, MAX_CACHED_MS)
    for name in (*(f"list of {size}" for size in SIZES), RENDERED, *CACHED):
        yield _build_figure(found, name, f"gateway: {name}", targets.get(name))
    for key, name in (NODE_SERVERS if node else {}).items():
        yield _build_figure(found, key, f"{name}, in memory")
    for key, name in PLAIN.items():
        yield _build_figure(found, key, name)
    if problem is not None:
        yield Figure(", ".join(NODE_SERVERS.values()), f"skipped: {problem}")
    yield Figure("bytes of the list of 20", f"{found['bytes']:,.0f}")
    yield Figure("memory of the gateway", f"{found['304 memory']:.0f} MB")


def list_hot_path_figures(runs: Runs, products: int) -> Iterator[Figure]:
    """List the checks of a request that is answered before the framework."""
    for name, microseconds in runs.run_once("hot_path_checks", products=products).items():
        yield Figure(name, f"{microseconds:.1f} µs")


def _find_node() -> tuple[str | None, str | None]:
    """Find Node.js, or why its servers cannot be run."""
    try:
        return prepare_node(), None
    except NodeMissingError as problem:
        return None, str(problem)


def _build_figure(found: Measured, name: str, title: str, target: float | None = None) -> Figure:
    value, plain = found[f"{name} cpu"], found.get(f"{YARDSTICK} cpu")
    is_same_list = name not in [f"list of {size}" for size in SIZES if size != LISTED]
    ratio = value / plain if plain is not None and is_same_list else None
    shown = "" if ratio is None or plain is None else format_ms(plain)
    met = None if target is None else value <= target
    wanted = "" if target is None else format_ms(target)
    return Figure(title, _describe(found, name, is_same_list), shown, ratio, wanted, met)


def _describe(found: Measured, name: str, is_same_list: bool) -> str:
    """Describe the CPU time, its ratio to that of the bare server, the rate, and what was rejected."""
    cpu, rejected = found[f"{name} cpu"], found[f"{name} rejected"]
    ratio = cpu / found["bare cpu"]
    parts = [format_ms(cpu), f"{found[f'{name} rate']:,.0f}/s"]
    if is_same_list:
        parts.append(f"{ratio:,.0f} x bare" if ratio >= 10 else f"{ratio:.1f} x bare")
    return ", ".join([*parts, *([f"{rejected:.0f} rejected"] if rejected else [])])
