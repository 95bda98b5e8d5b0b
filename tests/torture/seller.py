"""A gateway that serves in a process of its own, to be killed: `python -m tests.torture.seller JSON PORT`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from gateway.cli.serving import serving
from gateway.settings import parse


def serve(document: dict[str, Any], port: int) -> None:
    """Serve with this configuration, until killed."""
    asyncio.run(serving(parse(document, {}), "127.0.0.1", port))


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]), int(sys.argv[2]))
