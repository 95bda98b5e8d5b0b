"""The board: which suites the gateway passes, as a table of the README."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.conformance.places import ROOT, Check
from tests.conformance.suites import Suite

README = ROOT / "README.md"
BEGIN = "<!-- the board begins: make conformance writes it -->"
END = "<!-- the board ends -->"


@dataclass(frozen=True)
class Row:
    """What a suite found."""

    suite: Suite
    checks: Sequence[Check]

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.checks if not check.passed]

    def __str__(self) -> str:
        passed, all_of_them = len(self.checks) - len(self.failed), len(self.checks)
        return f"| {self.suite.name} | {self.suite.version} | {self.suite.proves} | {passed:,} of {all_of_them:,} |"


def board(rows: Sequence[Row]) -> str:
    """The table."""
    head = ("| suite | version | what is put to the proof | passed |", "|---|---|---|---|")
    return "\n".join([*head, *map(str, rows)])


def placed(readme: str, table: str) -> str:
    """The README with this table between its marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def current(readme: str) -> list[list[str]]:
    """The cells of the table that stands there, row by row."""
    _, _, rest = readme.partition(BEGIN)
    lines = rest.partition(END)[0].strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
