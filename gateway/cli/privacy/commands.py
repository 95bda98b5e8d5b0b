"""`gateway retained` and `gateway erased`: what the law keeps of erased customers, and the list of what was erased."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.errors import CommandError
from gateway.cli.runner import CONFIG, ConfigPath, load_settings, run

erased = typer.Typer(no_args_is_help=True, help="The list of what was erased, for backups.")


def print_invoice(
    order: Annotated[str, typer.Argument(help="ID of the order, as the API returns it.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Print the name and the address of the invoice of an erased customer. The audit trail records it."""
    from gateway.cli.privacy.operations import read_invoice

    invoice = run(read_invoice(load_settings(config), order))
    typer.echo(json.dumps(invoice, indent=2, ensure_ascii=False))


@erased.command("export")
def export_list(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")], config: ConfigPath = CONFIG
) -> None:
    """Write the list of what was erased, as digests. Store it apart from backups of the database, and after them."""
    from gateway.cli.privacy.operations import fetch_list

    lines = run(fetch_list(load_settings(config)))
    target.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    typer.echo(f"{target}: {len(lines)} digests")


@erased.command("apply")
def apply_list(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="The file, as `gateway erased export` wrote it.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Erase again what a restored backup contains again. Run it before the gateway serves."""
    from gateway.cli.privacy.operations import apply_list

    if not source.is_file():
        raise CommandError(f"there is no file {source}")
    lines = source.read_text(encoding="utf-8").splitlines()
    typer.echo(f"{run(apply_list(load_settings(config), lines))} records are erased again")
