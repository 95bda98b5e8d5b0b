"""The command line interface. The runtime does the work."""

from __future__ import annotations

import sys

import typer

from gateway.cli.commands import app
from gateway.cli.errors import describe_error


def main() -> None:
    """Run the command line interface. An expected error is one line, with exit code 2."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        lines = describe_error(error)
        if lines is None:
            raise
        for line in lines:
            typer.echo(f"error: {line}", err=True)
        sys.exit(2)
