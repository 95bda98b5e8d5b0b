"""The results of all suites as a table of the README."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.conformance.gateway_server import ROOT, Check
from tests.conformance.suites import Suite

README = ROOT / "README.md"
BEGIN = "<!-- the board begins: make conformance writes it -->"
END = "<!-- the board ends -->"


@dataclass(frozen=True)
class Row:
    """The result of a suite."""

    suite: Suite
    checks: Sequence[Check]

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.passed]

    def __str__(self) -> str:
        passed, all_of_them = len(self.checks) - len(self.failed), len(self.checks)
        return f"| {self.suite.name} | {self.suite.version} | {self.suite.proves} | {passed:,} of {all_of_them:,} |"


def render_table(rows: Sequence[Row]) -> str:
    """Render the table."""
    head = ("| suite | version | verifies | passed |", "|---|---|---|---|")
    return "\n".join([*head, *map(str, rows)])


def replace_table(readme: str, table: str) -> str:
    """Replace the table between the markers of the README."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def parse_table(readme: str) -> list[list[str]]:
    """Return the cells of the table in the README, row by row."""
    _, _, rest = readme.partition(BEGIN)
    lines = rest.partition(END)[0].strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
