"""Commands about tokens of the configuration."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.errors import CommandError
from gateway.cli.runner import CONFIG, ConfigPath, load_settings

token = typer.Typer(no_args_is_help=True, help="Tokens of the configuration.")

Name = Annotated[str, typer.Argument(help="The name of the token: [tokens.NAME].")]


@token.command("new")
def create_token(name: Name) -> None:
    """Create a token. Prints the secret, once, and the lines for the configuration, which have only its hash.

    The client sends the secret as `Authorization: Bearer SECRET`. To replace the secret of a token without an
    interruption, list both hashes: `token = ["sha256:…", "sha256:…"]`, and send the server SIGHUP.
    """
    from gateway.commerce.access.api_tokens import generate_secret
    from gateway.model.token_secrets import hash_secret
    from gateway.settings.value_types import is_key

    if not is_key(name):
        raise CommandError("expected a name of lowercase letters, digits and hyphens, at most 40 characters")
    secret = generate_secret()
    typer.echo(f"secret, shown once: {secret}\n")
    typer.echo(f'[tokens.{name}]\ntoken = "{hash_secret(secret)}"\nscopes = []')


@token.command("hash")
def print_hash(name: Name, config: ConfigPath = CONFIG) -> None:
    """Print the line that replaces the secret of a token in the configuration. The client keeps its secret."""
    tables = load_settings(config).tokens
    if name not in tables:
        raise CommandError(f"there is no token {name}; expected one of {', '.join(tables) or 'none'}")
    hashes = tables[name].hashes
    quoted = ", ".join(f'"{hashed}"' for hashed in hashes)
    typer.echo(f"token = {quoted}" if len(hashes) == 1 else f"token = [{quoted}]")
