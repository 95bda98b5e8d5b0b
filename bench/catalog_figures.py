"""The figures of `catalog_sizes`: milliseconds at each size, and how much slower the largest catalog is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.catalog_sizes import CPU, FILTERS
from bench.line_chart import Chart, Line
from bench.runner import Measured, Runs
from bench.table import Figure, format_ms

MAX_LIST_RATIO, MAX_FILTER_RATIO = 1.5, 3.0

CHARTED = ("products by title", "product", "stock levels", "orders, latest", "facets", "cartCreate", "orderPlace")
"""The requests of the chart."""

DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def list_figures(runs: Runs, sizes: tuple[int, ...], times: int, seed: int) -> Iterator[Figure]:
    """List the figures of both databases. The ratio is that of the last size to the one before."""
    for dialect in ("sqlite", "postgresql"):
        found = [
            runs.run_once("catalog_sizes", dialect=dialect, variants=size, times=times, seed=seed) for size in sizes
        ]
        for name in found[-1]:
            if not name.endswith(CPU):
                yield _build_figure(dialect, name, found)
        runs.write_chart(f"catalog-size-{dialect}", build_catalog_chart(dialect, sizes, found))


def build_catalog_chart(dialect: str, sizes: Sequence[int], found: Sequence[Measured]) -> Chart:
    """Build the chart: a line for each of some requests."""
    lines = [
        Line(name, [(size, measured[name + CPU]) for size, measured in zip(sizes, found, strict=True)])
        for name in CHARTED
    ]
    title = f"Requests by the size of the catalog, {DATABASES[dialect]}"
    return Chart(title, "variants in the catalog", "CPU milliseconds of the gateway per request", lines)


def _build_figure(dialect: str, name: str, found: list[Measured]) -> Figure:
    *_, before, last = (measured[name] for measured in found)
    limit = MAX_FILTER_RATIO if name in FILTERS else MAX_LIST_RATIO
    value = " / ".join(format_ms(measured[name]) for measured in found)
    return Figure(f"{name}, {dialect}", value, "", last / before, f"{limit:g}", last / before <= limit)
