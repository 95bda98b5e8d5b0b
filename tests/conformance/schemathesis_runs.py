"""schemathesis: random documents, valid and invalid, against a running gateway."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance.gateway_server import HERE, ROOT, Check, ConformanceTarget, SuiteError
from tests.conformance.known_objects import fetch_dictionaries, render_configuration

COMMAND = Path(sys.executable).with_name("st")
TEMPLATE = HERE / "schemathesis.toml"


async def run_schemathesis(
    target: ConformanceTarget, examples: int, token: str | None = None, only: str | None = None
) -> list[Check]:
    """Send random documents for every field of Query and Mutation; a check is one document.

    Args:
        only: a single field, such as `Query.products`.

    Raises:
        SuiteError: the run did not complete.
    """
    report, config = target.folder / "schemathesis.ndjson", target.folder / "schemathesis.toml"
    config.write_text(render_configuration(TEMPLATE, await fetch_dictionaries(target.url)), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(str(COMMAND), "--config-file", str(config), "--no-color", "run", target.url),
        *("--phases", "fuzzing", "--max-examples", str(examples), "--seed", "1"),
        *("--report", "ndjson", "--report-ndjson-path", str(report)),
        *(() if token is None else ("--header", f"Authorization: Bearer {token}")),
        *(() if only is None else ("--include-name", only)),
        cwd=target.folder,  # where it stores its state between runs
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.conformance.hooks", "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    events = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()] if report.exists() else []
    if process.returncode not in (0, 1) or not any("EngineFinished" in event for event in events):
        raise SuiteError(f"schemathesis: {output.decode(errors='replace')[-2000:]}")
    return [check for event in events for check in _parse_checks(event)]


def _parse_checks(event: dict[str, Any]) -> Iterator[Check]:
    """Parse a check for every document that was sent, and a failed one for each error that prevented sending."""
    if error := event.get("NonFatalError"):
        yield Check(str(error.get("label")), False, str(error["value"]))
    recorded = event.get("ScenarioFinished", {}).get("recorder", {})
    for name, found in recorded.get("checks", {}).items():
        failures = [str(one["failure_info"]["failure"]["message"]) for one in found if one["status"] == "failure"]
        body = recorded["cases"][name]["value"]["body"]
        yield Check(
            f"{recorded['label']} {name}", not failures, "\n".join([*failures, str(body)]) if failures else None
        )
