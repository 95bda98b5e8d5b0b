"""`gateway secret` and `gateway pickup`: the secret that signs tokens, and the codes that it makes."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.runner import CONFIG, ConfigPath, fail_with, load_settings, run

secret = typer.Typer(no_args_is_help=True, help="The secret that signs tokens and pickup codes.")
pickup = typer.Typer(no_args_is_help=True, help="Goods that customers collect.")


@secret.command("new")
def print_secret() -> None:
    """Print a new secret for `[selling] secret`. It is not stored."""
    from gateway.storage.instance_secret import generate_secret

    typer.echo(generate_secret())


@secret.command("forget")
def forget_secret(config: ConfigPath = CONFIG) -> None:
    """Delete the secret that the database has. Tokens and pickup codes that it signed become invalid."""
    from gateway.cli.operations import delete_stored_secret

    is_deleted = run(delete_stored_secret(load_settings(config)))
    typer.echo("the secret was deleted" if is_deleted else "the database has no secret")


@pickup.command("renew-code")
def renew_pickup_code(
    fulfillment: Annotated[str, typer.Argument(help="ID of the fulfillment, as the API returns it.")],
    config: ConfigPath = CONFIG,
) -> None:
    """Give a pickup another code. The present one becomes invalid; the customer finds the new one in the order."""
    from gateway.cli.operations import renew_code

    if problems := run(renew_code(load_settings(config), fulfillment)):
        fail_with(problems)
    typer.echo("the pickup has a new code")
