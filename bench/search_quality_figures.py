"""The figures of `search_quality`: the score of each set and kind of queries, beside that of the order by title."""

from __future__ import annotations

from collections.abc import Iterator

from bench.judged_search.queries import NUMBERS
from bench.runner import Runs
from bench.table import Figure

GOAL = 0.80
"""The least score of the queries that are held out."""


def list_quality_figures(runs: Runs) -> Iterator[Figure]:
    """List the figures of both databases; they differ only if the databases order differently."""
    for dialect in ("sqlite", "postgresql"):
        found = runs.run_once("search_quality", dialect=dialect)
        for name in ("held out", "tuning", *NUMBERS):
            score, plain = found[f"relevance {name}"], found[f"title {name}"]
            target, met = (f"{GOAL:.2f}", score >= GOAL) if name == "held out" else ("", None)
            yield Figure(f"{name}, {dialect}", f"{score:.3f}", f"{plain:.3f}", None, target, met)
