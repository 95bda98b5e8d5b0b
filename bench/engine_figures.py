"""The figures of `engines`: CPU milliseconds compiled and by the reference executor."""

from __future__ import annotations

from collections.abc import Iterator

from bench.engines import CACHEABLE, QUERIES, SIZES
from bench.runner import Runs
from bench.table import Figure, format_ms

MAX_COMPILE_MS, MAX_SOURCE = 5.0, 200_000


def list_engine_figures(runs: Runs, products: int, times: int, seed: int) -> Iterator[Figure]:
    """List the figures. The plain operation is the reference executor, with the same loads."""
    found = runs.run_once("engines", dialect="sqlite", products=products, times=times, seed=seed)
    for name in QUERIES:
        for size in SIZES:
            compiled, reference = found[f"{name} {size} compiled"], found[f"{name} {size} reference"]
            ratio = compiled / reference
            yield Figure(f"{name}, first: {size}", format_ms(compiled), format_ms(reference), ratio, "1", ratio <= 1)
            if name != CACHEABLE:
                continue
            for cache in ("rendered", "checked", "cached"):
                cached = found[f"{name} {size} {cache}"]
                yield Figure(f"… {cache} (plain: compiled)", format_ms(cached), format_ms(compiled), cached / compiled)
        took, size_of_source = found[f"{name} compile"], found[f"{name} source"]
        value, met = (
            f"{format_ms(took)}, {size_of_source:,.0f} bytes",
            took < MAX_COMPILE_MS and size_of_source < MAX_SOURCE,
        )
        yield Figure("… compiled in", value, "", None, f"{format_ms(MAX_COMPILE_MS)}, {MAX_SOURCE:,} bytes", met)
