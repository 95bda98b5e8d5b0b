"""Prints the figures of the code base, and fails if one is beyond its limit: `make house`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.house.figures import Figure, measure

ROOT = Path(__file__).parents[2]
SHOWN = 40
"""Findings printed per figure."""


def main() -> int:
    """Print all figures, and the findings of those beyond their limits."""
    figures = measure(ROOT)
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        mark, goal = "ok  " if figure.holds else "FAIL", "" if figure.goal is None else f", goal {figure.goal}"
        print(f"{mark} {figure.name:<{width}}  {figure.value:>8}  limit {figure.limit}{goal}")
    for figure in figures:
        _print_findings(figure)
    return 0 if all(figure.holds for figure in figures) else 1


def _print_findings(figure: Figure) -> None:
    if figure.holds:
        return
    print(f"\n{figure.name}:")
    for finding in figure.findings[:SHOWN]:
        print(f"  {finding}")
    if len(figure.findings) > SHOWN:
        print(f"  … and {len(figure.findings) - SHOWN} more")


if __name__ == "__main__":
    sys.exit(main())
