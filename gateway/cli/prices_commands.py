"""`gateway prices`: the history of prices, with which reductions are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.runner import CONFIG, ConfigPath, load_settings, run

prices = typer.Typer(no_args_is_help=True, help="History of prices, with which reductions are compared.")


@prices.command("import")
def import_history(
    file: Annotated[Path, typer.Argument(help="CSV file, UTF-8, with a header.", exists=True, dir_okay=False)],
    config: ConfigPath = CONFIG,
) -> None:
    """Import prices that listings had before the gateway knew them.

    Columns: `channel`, `external_id` (of the variant in the channel), `currency`, `price`, `compare_at_price` (may be
    empty), `from` and `until` (ISO 8601 with an offset, such as 2026-01-31T00:00:00Z). What the gateway has seen itself
    is not overwritten. Nothing is imported if a line is invalid. A file can be imported again.
    """
    from gateway.cli.prices import import_prices

    count = run(import_prices(load_settings(config), file))
    typer.echo(f"{count} prices imported")
