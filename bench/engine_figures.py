"""The figures of `engines`: CPU milliseconds compiled and by the reference executor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.engines import CACHEABLE, QUERIES, SIZES
from bench.runner import Runs
from bench.table import Figure, format_ms

MAX_COMPILE_MS, MAX_SOURCE = 5.0, 200_000
MAX_TIMES_BARE = 3.0


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
        yield _build_compilation_figure(found, name)


def list_operation_figures(runs: Runs, times: int, seed: int) -> Iterator[Figure]:
    """List the figures of the operations of `schema/operations` that need no login."""
    yield from _list_compared(runs.run_once("shipped_operations", dialect="sqlite", times=times))
    for dialect in ("sqlite", "postgresql"):
        found = runs.run_once("shipped_mutations", dialect=dialect, times=times, seed=seed)
        yield from _list_compared(found, f", {dialect}")


def _list_compared(found: Mapping[str, float], where: str = "") -> Iterator[Figure]:
    for name in [key.removesuffix(" compiled") for key in found if key.endswith(" compiled")]:
        compiled, reference = found[f"{name} compiled"], found[f"{name} reference"]
        ratio = compiled / reference
        yield Figure(f"{name}{where}", format_ms(compiled), format_ms(reference), ratio, "1", ratio <= 1)
        yield _build_compilation_figure(found, name)


def _build_compilation_figure(found: Mapping[str, float], name: str) -> Figure:
    took, size = found[f"{name} compile"], found[f"{name} source"]
    met = took < MAX_COMPILE_MS and size < MAX_SOURCE
    target = f"{format_ms(MAX_COMPILE_MS)}, {MAX_SOURCE:,} bytes"
    return Figure("… compiled in", f"{format_ms(took)}, {size:,.0f} bytes", "", None, target, met)


def list_statement_figures(runs: Runs, variants: int, times: int, seed: int) -> Iterator[Figure]:
    """List the figures of a storefront's list. The plain operation is its statements, executed by the driver."""
    for dialect in ("sqlite", "postgresql"):
        found = runs.run_once("bare_statements", dialect=dialect, variants=variants, times=times, seed=seed)
        name, ratio = f"a list in {variants:,} variants, {dialect}", found["request"] / found["bare"]
        value, plain = format_ms(found["request"]), f"{format_ms(found['bare'])}, {found['count']:.0f} statements"
        yield Figure(name, value, plain, ratio, f"{MAX_TIMES_BARE:g}", ratio <= MAX_TIMES_BARE)
