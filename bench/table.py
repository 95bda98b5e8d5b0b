"""The printed tables of figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """A row. `plain`: the value of the plain operation; `ratio`: to the plain one; `met`: whether the target is met."""

    name: str
    value: str
    plain: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None


def render_table(title: str, figures: Iterable[Figure]) -> Table:
    """Render a table of figures."""
    made = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    made.add_column("what", overflow="fold")
    for name in ("measured", "plain", "ratio", "target"):
        made.add_column(name, justify="right", overflow="fold")
    made.add_column("", justify="center")
    for one in figures:
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        verdict = {True: "met", False: "MISSED", None: ""}[one.met]
        made.add_row(one.name, one.value, one.plain, ratio, one.target, verdict)
    return made


def format_rate(count: float, seconds: float) -> str:
    """Format a rate."""
    return f"{count / seconds:,.0f}/s"


def format_ms(milliseconds: float) -> str:
    """Format a time."""
    return f"{milliseconds:,.0f} ms" if milliseconds >= 100 else f"{milliseconds:.2g} ms"
