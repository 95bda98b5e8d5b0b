"""Tables in a terminal, or in a file: nothing in them is cut off, because ids are there to be copied."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

WIDEST = 10_000
"""Characters of a row."""


def table(*names: str) -> Table:
    """An empty one with these columns."""
    return Table(*names, box=None, header_style="bold")


def show(found: Table | str) -> None:
    """Print it as wide as it is, however narrow the terminal."""
    console = Console()
    wanted = console.measure(found, options=console.options.update(max_width=WIDEST)).maximum
    Console(width=max(console.width, wanted)).print(found)
