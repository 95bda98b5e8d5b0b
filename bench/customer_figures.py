"""The figures of `customers`: segments counted, first pages of lists, and the page of one customer."""

from __future__ import annotations

from collections.abc import Iterator

from bench.customer_population import SAMPLE_SIZES
from bench.customer_reads import CONDITIONS, PAGES, REQUESTS
from bench.runner import Measured, Runs
from bench.table import Figure, format_ms

MAX_COUNT_MS, MAX_STATEMENTS = 50.0, 10
"""Goals: of the count of a segment, and of the page of a customer."""

PROMISED_PAGE = "page"
"""The page with a promise; the others show what more fields take."""


def list_customer_figures(runs: Runs, size: int, times: int, seed: int) -> Iterator[Figure]:
    """List the figures of both databases. The plain operation counts all rows of `customers`."""
    for dialect in ("sqlite", "postgresql"):
        found = runs.run_once("customer_reads", dialect=dialect, size=size, times=times, seed=seed)
        for name in CONDITIONS:
            yield _build_count_figure(found, name, dialect)
            yield Figure("… their first page", format_ms(found[f"list {name}"]))
        for name in REQUESTS:
            yield _build_request_figure(found, name, dialect)
        yield from _list_page_figures(found, dialect)


def _build_count_figure(found: Measured, name: str, dialect: str) -> Figure:
    milliseconds, plain = found[f"count {name}"], found["plain"]
    value = f"{found[f'matches {name}']:,.0f} in {format_ms(milliseconds)}"
    met = milliseconds <= MAX_COUNT_MS
    goal = format_ms(MAX_COUNT_MS)
    return Figure(f"count: {name}, {dialect}", value, format_ms(plain), milliseconds / plain, goal, met)


def _build_request_figure(found: Measured, name: str, dialect: str) -> Figure:
    milliseconds, plain = found[f"request {name}"], found["plain"]
    value = f"{found[f'request {name} statements']:.0f} statements, {format_ms(milliseconds)}"
    return Figure(f"request: {name}, {dialect}", value, format_ms(plain), milliseconds / plain)


def _list_page_figures(found: Measured, dialect: str) -> Iterator[Figure]:
    """List the pages of customers with few and with many records."""
    for name in PAGES:
        for records in SAMPLE_SIZES:
            count = found[f"{name} {records} statements"]
            value = f"{count:.0f} statements, {format_ms(found[f'{name} {records}'])}"
            goal, met = (f"{MAX_STATEMENTS}", count <= MAX_STATEMENTS) if name == PROMISED_PAGE else ("", None)
            yield Figure(f"{name} of a customer, {records} of each, {dialect}", value, "", None, goal, met)
