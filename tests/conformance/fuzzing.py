"""schemathesis: documents at random, those that fit the schema and those that do not, against a running gateway."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conformance.known import configuration, dictionaries
from tests.conformance.places import HERE, ROOT, Check, Place, SuiteError

COMMAND = Path(sys.executable).with_name("st")
TEMPLATE = HERE / "schemathesis.toml"


async def fuzzed(place: Place, examples: int, token: str | None = None, only: str | None = None) -> list[Check]:
    """What came of so many documents for every field of Query and Mutation; a check is one document.

    Args:
        only: a single field, as `Query.products`.

    Raises:
        SuiteError: it ended before its time.
    """
    report, config = place.folder / "schemathesis.ndjson", place.folder / "schemathesis.toml"
    config.write_text(configuration(TEMPLATE, await dictionaries(place.url)), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(str(COMMAND), "--config-file", str(config), "--no-color", "run", place.url),
        *("--phases", "fuzzing", "--max-examples", str(examples), "--seed", "1"),
        *("--report", "ndjson", "--report-ndjson-path", str(report)),
        *(() if token is None else ("--header", f"Authorization: Bearer {token}")),
        *(() if only is None else ("--include-name", only)),
        cwd=place.folder,  # where it leaves what it remembers from one run to the next
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.conformance.hooks", "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    events = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()] if report.exists() else []
    if process.returncode not in (0, 1) or not any("EngineFinished" in event for event in events):
        raise SuiteError(f"schemathesis: {told.decode(errors='replace')[-2000:]}")
    return [check for event in events for check in _checks(event)]


def _checks(event: dict[str, Any]) -> Iterator[Check]:
    """One check for every document that was sent; for what kept it from sending any a failed one."""
    if error := event.get("NonFatalError"):
        yield Check(str(error.get("label")), False, str(error["value"]))
    recorded = event.get("ScenarioFinished", {}).get("recorder", {})
    for name, found in recorded.get("checks", {}).items():
        failures = [str(one["failure_info"]["failure"]["message"]) for one in found if one["status"] == "failure"]
        body = recorded["cases"][name]["value"]["body"]
        yield Check(
            f"{recorded['label']} {name}", not failures, "\n".join([*failures, str(body)]) if failures else None
        )
