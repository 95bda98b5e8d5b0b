"""Random requests by Amazon's models: the sandbox never fails, and never shows its code."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from gateway_amazon_sandbox import AmazonSandbox, start
from gateway_amazon_sandbox.errors import RejectedRequestError
from gateway_amazon_sandbox.operations import Operations
from gateway_amazon_sandbox.parameters import PARAMETERS
from gateway_amazon_sandbox.sandbox import SELLER, STORE
from tests.conftest import TORTURE
from tests.plugins.amazon import START, Clock, build_world
from tests.plugins.amazon_models import FILES, find_specs

SPECS = find_specs()
ROOT = Path(__file__).parents[2]
EXAMPLES, SEED = 400 if TORTURE else 50, 15
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.long,
    pytest.mark.skipif(SPECS is None, reason="the vendors' specifications are not here (VENDOR_SPECS)"),
]
KNOWN = {"sellerId": SELLER, "sku": "TEA-1", "marketplaceIds": [STORE], "granularityId": STORE}
"""Values of parameters that requests need to get beyond the first check; they are used in every other case."""


def build_model(name: str) -> dict[str, Any]:
    """Build a model with the simulated operations only, and with known values as enumerations."""
    assert SPECS is not None
    model: dict[str, Any] = json.loads((SPECS / name).read_text(encoding="utf-8"))
    for path, methods in list(model["paths"].items()):
        simulated = {
            method: operation
            for method, operation in methods.items()
            if isinstance(operation, dict) and operation.get("operationId") in PARAMETERS
        }
        model["paths"][path] = simulated
        for operation in simulated.values():
            for parameter in operation.get("parameters", []):
                set_known_value(parameter)
    model["paths"] = {path: methods for path, methods in model["paths"].items() if methods}
    return model


def set_known_value(parameter: dict[str, Any]) -> None:
    """Let a parameter have a known value."""
    if (value := KNOWN.get(parameter["name"])) is not None:
        target = parameter["items"] if isinstance(value, list) else parameter
        target["enum"] = value if isinstance(value, list) else [value]


async def run_schemathesis(sandbox: AmazonSandbox, directory: Path, name: str, *more: str) -> tuple[int, str]:
    """Send random requests, valid and invalid; return the exit code and the output."""
    model = directory / name
    model.write_text(json.dumps(build_model(name)), encoding="utf-8")
    token = sandbox.issue_token()
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("st")), "--no-color", "run", str(model)),
        *("--url", str(sandbox.config["endpoint"]), "--header", f"x-amz-access-token: {token}"),
        *("--phases", "coverage,fuzzing", "--mode", "all", "--max-examples", str(EXAMPLES), "--seed", str(SEED)),
        *("--checks", "not_a_server_error,check_no_code,check_errors", *more),
        cwd=directory,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.foreign.amazon_checks", "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")


@contextlib.asynccontextmanager
async def open_sandbox(directory: Path) -> AsyncIterator[AmazonSandbox]:
    """Open an account whose clock stands, so that its tokens stay valid, and whose rates are never reached."""
    clock = Clock(START)
    sandbox = await start(build_world(), directory, scale=1e9, now=clock, ticks=clock.read_seconds)
    try:
        yield sandbox
    finally:
        await sandbox.close()


@pytest.mark.parametrize("name", FILES)
async def test_no_request_by_the_models_makes_the_sandbox_fail(tmp_path: Path, name: str) -> None:
    async with open_sandbox(tmp_path) as sandbox:
        code, output = await run_schemathesis(sandbox, tmp_path, name)
        statuses = {one.status for one in sandbox.requests}
        assert code == 0, output
        assert statuses & {200, 201, 202} and 400 in statuses
        assert len(sandbox.requests) > EXAMPLES


@pytest.mark.parametrize("message", ["something broke", "KeyError: 'sku'"])
async def test_the_proof_a_sandbox_that_fails_or_shows_its_code_is_found(tmp_path: Path, message: str) -> None:
    error = RejectedRequestError(500 if "broke" in message else 400, "InvalidInput", f"{message} in operations.py")
    with patch.object(Operations, "get_order", side_effect=error):
        async with open_sandbox(tmp_path) as sandbox:
            code, output = await run_schemathesis(sandbox, tmp_path, "orders_2026-01-01.json", "--max-failures", "1")
    assert code == 1
    assert ("Server error" if error.status == 500 else "shows '.py'") in output
