"""`python -m bench.child_process MODULE ARGUMENTS`: one measurement in a process of its own; the result as JSON."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from typing import Any


def main(module: str, arguments: str) -> None:
    measure = importlib.import_module(f"bench.{module}").measure
    result: Any = asyncio.run(measure(**json.loads(arguments)))
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
