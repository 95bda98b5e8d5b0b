"""`gateway documents`: what shipped apps ask for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gateway.cli.errors import CommandError
from gateway.cli.running import CONFIG, ConfigPath, fail_with, run, settings_of
from gateway.cli.tables import show, table

documents = typer.Typer(no_args_is_help=True, help="The GraphQL documents that shipped apps ask for.")

LONGEST = 100

App = Annotated[str, typer.Option("--app", help="The app.")]
Version = Annotated[str, typer.Option("--version", help="Its version.")]


@documents.command("push")
def push_documents(
    manifest: Annotated[Path, typer.Argument(help="What the app's build has written.")],
    app: App,
    version: Version,
    owner: Annotated[str | None, typer.Option(help="Whom to ask before something breaks.")] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """Keep the documents of an app's version, so that it can ask for them by their ids. Every gateway has them at once.

    Takes the manifests of Apollo, of Relay and of graphql-codegen. A version that was pushed before keeps what it has.
    Exit code 1: a document does not fit the schema or the limits, or its id; nothing is kept then.
    """
    from gateway.cli.documents import pushed
    from gateway.execution.manifests import ManifestError
    from gateway.storage.documents import AppVersion

    _check("app", app)
    _check("version", version)
    try:
        count = run(pushed(settings_of(config), manifest, AppVersion(app, version), owner))
    except ManifestError as error:
        fail_with(f"{manifest}: {problem}" for problem in error.problems)
    typer.echo(f"{app} {version}: {_counted(count)}")


@documents.command("list")
def list_documents(
    app: Annotated[str | None, typer.Option(help="The documents of this app, each.")] = None,
    version: Annotated[str | None, typer.Option(help="Of this version of it only.")] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """List the versions of apps whose documents are kept, or the documents of one app, and when they were used."""
    if app is None and version is not None:
        raise CommandError("--version needs --app")
    found = _versions(config) if app is None else _documents(config, app, version)
    show(found if found.row_count else "nothing was pushed")


def _versions(config: Path) -> Table:
    from gateway.cli.documents import shipments

    found = table("App", "Version", "Owner", "Pushed", "Documents", "Uses", "First use", "Last use")
    for one in run(shipments(settings_of(config))):
        told = (one.app, one.version, one.owner or "", _when(one.pushed_at), str(one.documents))
        found.add_row(*map(escape, told), str(one.uses), _when(one.first_used_at), _when(one.last_used_at))
    return found


def _documents(config: Path, app: str, version: str | None) -> Table:
    from gateway.cli.documents import shipped

    found = table("Version", "ID", "Operations", "Uses", "First use", "Last use")
    for one, operations in run(shipped(settings_of(config), app, version)):
        told = (one.version, one.name, operations)
        found.add_row(*map(escape, told), str(one.uses), _when(one.first_used_at), _when(one.last_used_at))
    return found


@documents.command("check")
def check_documents(
    schema: Annotated[Path | None, typer.Option(help="A schema as text, instead of this program's own.")] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """Say which document of which shipped version does not work under this schema, and when it was last used.

    Exit code 1: one does not. To be run before another schema is deployed.
    """
    from gateway.cli.documents import broken

    count, lines = run(broken(settings_of(config), schema))
    if lines:
        fail_with(lines)
    typer.echo(f"{_counted(count)}, all of them good")


@documents.command("retire")
def retire_documents(app: App, version: Version, config: ConfigPath = CONFIG) -> None:
    """Keep the documents of a version no longer, but for those of other versions. Every gateway forgets them soon."""
    from gateway.cli.documents import retired
    from gateway.storage.documents import AppVersion

    gone = run(retired(settings_of(config), AppVersion(app, version)))
    typer.echo(f"{app} {version} is retired; {_counted(gone)} that no other version has")


def _check(key: str, value: str) -> None:
    if not value.strip() or not value.isprintable() or len(value) > LONGEST:
        raise CommandError(f"--{key}: expected a name of at most {LONGEST} characters")


def _counted(count: int) -> str:
    return f"{count} document{'' if count == 1 else 's'}"


def _when(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
