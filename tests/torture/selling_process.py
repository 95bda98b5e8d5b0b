"""A serving gateway in a separate process, to be killed: `python -m tests.torture.selling_process JSON PORT`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from gateway.server.lifecycle import run_server
from gateway.settings.loading import parse


def serve(document: dict[str, Any], port: int) -> None:
    """Serve with this configuration until killed."""
    settings = parse(document, {})
    asyncio.run(run_server(settings, "127.0.0.1", port, lambda: settings))


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]), int(sys.argv[2]))
