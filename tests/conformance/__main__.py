"""`make conformance`: runs every suite, prints the results and writes them into the README. Exit code 1: a suite
failed.
"""

from __future__ import annotations

import asyncio
import sys

from tests.conformance import node
from tests.conformance.board import README, Row, render_table, replace_table
from tests.conformance.suites import SUITES, Suite, run_suite

EXAMPLES = 100
"""Documents for each of the 51 root fields: more than 5,000 in total."""

AT_ONCE = 2


def main() -> int:
    """Run all suites."""
    if absent := node.describe_missing():
        print(f"conformance: {absent}", file=sys.stderr)
        return 1
    rows = asyncio.run(_run_suites())
    print(f"\n{render_table(rows)}")
    README.write_text(replace_table(README.read_text(encoding="utf-8"), render_table(rows)), encoding="utf-8")
    return 1 if any(row.failed for row in rows) else 0


async def _run_suites() -> list[Row]:
    slots = asyncio.Semaphore(AT_ONCE)
    return await asyncio.gather(*(_run_suite(suite, slots) for suite in SUITES))


async def _run_suite(suite: Suite, slots: asyncio.Semaphore) -> Row:
    async with slots:
        row = Row(suite, await run_suite(suite, EXAMPLES))
    print(row, flush=True)
    for check in row.failed:
        print(f"  FAILED {check.name}: {check.reason}", flush=True)
    return row


if __name__ == "__main__":
    sys.exit(main())
