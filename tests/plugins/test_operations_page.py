"""The commands of the page about operations, run as they stand there."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.examples.documentation_shell import follow, parse_steps
from tests.plugins.test_readme import shop

pytestmark = [pytest.mark.anyio, pytest.mark.long]

__all__ = ["shop"]


MAILER = """
[webhooks.mailer]
url = "https://mailer.example.com/gateway"
secrets = ["whsec_ZXhhbXBsZSBvZiBhIHNlY3JldCBvZiAzMiBieXRlcyE="]
kinds = ["consent.confirmation_requested"]
"""


async def test_the_commands_of_the_page_about_operations_work(shop: Path) -> None:
    steps = parse_steps("operations.md")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    (shop / "prices.csv").write_text("channel,external_id,currency,price,compare_at_price,from,until\n")
    with (shop / "gateway.toml").open("a") as config:
        config.write(MAILER)
    assert len(steps) == 6 and shutil.which("gateway", path=environment["PATH"])
    await asyncio.to_thread(follow, steps, shop, environment, {})
