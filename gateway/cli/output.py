"""Tables for a terminal or a file. Cells are never truncated, so that ids can be copied."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

MAX_WIDTH = 10_000
"""Characters of a row."""


def create_table(*names: str) -> Table:
    """Create an empty table with these columns."""
    return Table(*names, box=None, header_style="bold")


def show(content: Table | str) -> None:
    """Print a table at its full width, whatever the width of the terminal."""
    console = Console()
    width = console.measure(content, options=console.options.update(max_width=MAX_WIDTH)).maximum
    Console(width=max(console.width, width)).print(content)
