"""`gateway documents`: the published documents of apps."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gateway.cli.errors import CommandError
from gateway.cli.output import create_table, show
from gateway.cli.runner import CONFIG, ConfigPath, fail_with, load_settings, run

documents = typer.Typer(no_args_is_help=True, help="The GraphQL documents that apps publish.")

MAX_NAME_LENGTH = 100

App = Annotated[str, typer.Option("--app", help="The app.")]
Version = Annotated[str, typer.Option("--version", help="The version of the app.")]


@documents.command("push")
def push_documents(
    manifest: Annotated[Path, typer.Argument(help="The manifest that the app's build creates.")],
    app: App,
    version: Version,
    owner: Annotated[str | None, typer.Option(help="The contact for incompatible schema changes.")] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """Publish the documents of an app's version, so that the app can request them by id. Every gateway knows them at
    once.

    Accepts manifests of Apollo, Relay and graphql-codegen. A version that was pushed before keeps its documents.
    Exit code 1: a document does not match the schema, the limits or its id. Then nothing is published.
    """
    from gateway.cli.documents import push_manifest
    from gateway.execution.persisted.manifests import ManifestError
    from gateway.storage.persisted_documents import AppVersion

    _check_name("app", app)
    _check_name("version", version)
    try:
        count = run(push_manifest(load_settings(config), manifest, AppVersion(app, version), owner))
    except ManifestError as error:
        fail_with(f"{manifest}: {problem}" for problem in error.problems)
    typer.echo(f"{app} {version}: {_format_count(count)}")


@documents.command("list")
def list_documents(
    app: Annotated[str | None, typer.Option(help="List the documents of this app.")] = None,
    version: Annotated[str | None, typer.Option(help="List the documents of this version only.")] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """List published versions of apps, or the documents of one app, and when they were used."""
    if app is None and version is not None:
        raise CommandError("--version requires --app")
    rows = _build_version_table(config) if app is None else _build_document_table(config, app, version)
    show(rows if rows.row_count else "no published documents")


def _build_version_table(config: Path) -> Table:
    from gateway.cli.documents import fetch_versions

    rows = create_table("App", "Version", "Owner", "Pushed", "Documents", "Uses", "First use", "Last use")
    for row in run(fetch_versions(load_settings(config))):
        cells = (row.app, row.version, row.owner or "", _format_time(row.pushed_at), str(row.documents))
        rows.add_row(
            *map(escape, cells), str(row.uses), _format_time(row.first_used_at), _format_time(row.last_used_at)
        )
    return rows


def _build_document_table(config: Path, app: str, version: str | None) -> Table:
    from gateway.cli.documents import fetch_documents

    rows = create_table("Version", "ID", "Operations", "Uses", "First use", "Last use")
    for row, operations in run(fetch_documents(load_settings(config), app, version)):
        cells = (row.version, row.name, operations)
        rows.add_row(
            *map(escape, cells), str(row.uses), _format_time(row.first_used_at), _format_time(row.last_used_at)
        )
    return rows


@documents.command("check")
def check_documents(
    schema: Annotated[
        Path | None, typer.Option(help="A file with a schema, instead of the schema of this program.")
    ] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """Check all published documents against a schema. Prints those that are invalid, and when they were last used.

    Exit code 1: a document is invalid. Run it before you deploy another schema.
    """
    from gateway.cli.documents import find_incompatible

    count, lines = run(find_incompatible(load_settings(config), schema))
    if lines:
        fail_with(lines)
    typer.echo(f"{_format_count(count)}, all valid")


@documents.command("explain")
def explain_document(
    id: Annotated[str, typer.Argument(help="The ID of the document, as `gateway documents list --app APP` prints it.")],
    operation: Annotated[str | None, typer.Option(help="The operation, if the document has several.")] = None,
    config: ConfigPath = CONFIG,
) -> None:
    """Print how a published document is executed: what it loads, and the Python function to which it is compiled.

    Exit code 1: the compiler does not take it, because it is a mutation or introspection.
    """
    from gateway.cli.documents import explain

    typer.echo(run(explain(load_settings(config), id, operation)), nl=False)


@documents.command("retire")
def retire_documents(app: App, version: Version, config: ConfigPath = CONFIG) -> None:
    """Retire a version of an app. Documents that other versions have remain. Every gateway stops accepting the others
    soon.
    """
    from gateway.cli.documents import retire_version
    from gateway.storage.persisted_documents import AppVersion

    removed = run(retire_version(load_settings(config), AppVersion(app, version)))
    typer.echo(f"{app} {version} is retired; {_format_count(removed)} removed")


def _check_name(key: str, value: str) -> None:
    if not value.strip() or not value.isprintable() or len(value) > MAX_NAME_LENGTH:
        raise CommandError(f"--{key}: expected a name of at most {MAX_NAME_LENGTH} characters")


def _format_count(count: int) -> str:
    return f"{count} document{'' if count == 1 else 's'}"


def _format_time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
