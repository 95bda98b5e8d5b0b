"""`make conformance`: runs every suite, prints the board and writes it into the README. Exit code 1: one failed."""

from __future__ import annotations

import asyncio
import sys

from tests.conformance import node
from tests.conformance.board import README, Row, board, placed
from tests.conformance.suites import SUITES, Suite, outcome

EXAMPLES = 100
"""Documents for each of the 51 root fields: more than 5,000."""

AT_ONCE = 2


def main() -> int:
    """Run all of them."""
    if absent := node.missing():
        print(f"conformance: {absent}", file=sys.stderr)
        return 1
    rows = asyncio.run(_rows())
    print(f"\n{board(rows)}")
    README.write_text(placed(README.read_text(encoding="utf-8"), board(rows)), encoding="utf-8")
    return 1 if any(row.failed for row in rows) else 0


async def _rows() -> list[Row]:
    turns = asyncio.Semaphore(AT_ONCE)
    return await asyncio.gather(*(_row(suite, turns) for suite in SUITES))


async def _row(suite: Suite, turns: asyncio.Semaphore) -> Row:
    async with turns:
        row = Row(suite, await outcome(suite, EXAMPLES))
    print(row, flush=True)
    for check in row.failed:
        print(f"  FAILED {check.name}: {check.reason}", flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())
