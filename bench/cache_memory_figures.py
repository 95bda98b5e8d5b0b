"""The figures of `cache_memory`: megabytes of the process."""

from __future__ import annotations

from collections.abc import Iterator

from bench.runner import Runs
from bench.table import Figure

MAX_MEGABYTES = 250


def list_memory_figures(runs: Runs, products: int, documents: int) -> Iterator[Figure]:
    """List the figures. The plain value is that before the caches are filled."""
    found = runs.run_once("cache_memory", products=products, documents=documents)
    before, target = found["before"], f"{MAX_MEGABYTES} MB"
    names = {
        "filled": f"responses for {found['products']:,.0f} products cached",
        "hostile": f"… and {documents:,} different documents, each compiled",
    }
    for key, name in names.items():
        value = found[key]
        yield Figure(name, f"{value:.0f} MB", f"{before:.0f} MB", value / before, target, value <= MAX_MEGABYTES)
