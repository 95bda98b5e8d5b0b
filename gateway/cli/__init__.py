"""The command line. What it does is done by the runtime; here it is asked for, watched and told."""

from __future__ import annotations

import sys

import typer

from gateway.cli.commands import app
from gateway.cli.errors import expected


def main() -> None:
    """Run the command line. What goes wrong is said in a line, with exit code 2."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        lines = expected(error)
        if lines is None:
            raise
        for line in lines:
            typer.echo(f"error: {line}", err=True)
        sys.exit(2)
