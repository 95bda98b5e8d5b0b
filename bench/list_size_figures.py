"""The figures of `list_sizes`: CPU milliseconds of a list against its number of products, and a chart of them."""

from __future__ import annotations

from collections.abc import Iterator

from bench.line_chart import Chart, Line
from bench.list_sizes import ENGINES, LIST_SIZES
from bench.runner import Measured, Runs
from bench.table import Figure, format_ms

EXECUTED = "nothing cached"
MAX_GROWTH = 1.2
SMALL, MEDIUM, LARGE = LIST_SIZES[0], 100, LIST_SIZES[-1]


def list_size_figures(runs: Runs, times: int, seed: int) -> Iterator[Figure]:
    """List the figures. The plain operation is the reference executor, with the same loads."""
    found = runs.run_once("list_sizes", dialect="sqlite", times=times, seed=seed)
    for size in LIST_SIZES:
        value, plain = found[f"{EXECUTED} {size}"], found.get(f"reference executor {size}")
        shown = f"{format_ms(value)}, {value / size:.2g} ms per product"
        ratio = None if plain is None else value / plain
        yield Figure(f"first: {size:,}", shown, "" if plain is None else format_ms(plain), ratio)
        yield Figure("… cached", format_ms(found[f"cached {size}"]))
    yield from _list_growth(found)
    runs.write_chart("list-size", build_list_chart(found))


def _list_growth(found: Measured) -> Iterator[Figure]:
    """List how the cost of a product grows with the list."""
    each = found[f"{EXECUTED} {LARGE}"] / LARGE / found[f"{EXECUTED} {SMALL}"]
    yield Figure(
        f"CPU per product at {LARGE:,} relative to {SMALL}", f"{each:.2f}", "", None, "1.2", each <= MAX_GROWTH
    )
    early, late = _compute_slope(found, SMALL, MEDIUM), _compute_slope(found, MEDIUM, LARGE)
    growth, name = late / early, f"each product from {MEDIUM} to {LARGE:,} (plain: from {SMALL} to {MEDIUM})"
    met = 1 / MAX_GROWTH <= growth <= MAX_GROWTH
    yield Figure(name, f"{late:.2g} ms", f"{early:.2g} ms", growth, "1.2", met)


def _compute_slope(found: Measured, small: int, large: int) -> float:
    """Compute the milliseconds of each further product between two sizes."""
    return (found[f"{EXECUTED} {large}"] - found[f"{EXECUTED} {small}"]) / (large - small)


def build_list_chart(found: Measured) -> Chart:
    """Build the chart: a line for each way to answer."""
    lines = [
        Line(engine, [(size, found[f"{engine} {size}"]) for size in LIST_SIZES if f"{engine} {size}" in found])
        for engine in ENGINES
    ]
    return Chart("A storefront's list by its size", "products in the list", "CPU milliseconds per request", lines)
