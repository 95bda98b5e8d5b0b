"""`gateway backup`: copies a SQLite database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.errors import CommandError
from gateway.cli.runner import CONFIG, ConfigPath, load_settings


def back_up(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The new file.")], config: ConfigPath = CONFIG
) -> None:
    """Copy the SQLite database into a new file, while the gateway runs. It contains personal data and secrets.

    To restore it, stop the gateway, put the file in the place of the database, and run `gateway outbox recheck`.
    """
    from gateway.storage.backup import BackupError, back_up_database

    try:
        size = back_up_database(load_settings(config).database, target)
    except BackupError as error:
        raise CommandError(str(error)) from error
    typer.echo(f"{target}: {size / 1_000_000:,.1f} MB")
