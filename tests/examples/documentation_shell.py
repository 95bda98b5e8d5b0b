"""Runs the commands of documentation pages in one shell and compares their output with the page."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.test_readme_demo import has_expected_shape
from tests.plugins.test_readme_demo import parse_answers as decoded

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(sh|json|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)
END = "-- end of this block --"
PATIENCE = 240.0


@dataclass(frozen=True)
class Step:
    """A command and its documented output in `language`; None if the page shows no output."""

    typed: str
    shown: str | None = None
    language: str = "text"

    def is_expected(self, said: str) -> bool:
        """Report whether the output matches."""
        if self.shown is None:
            return True
        if self.language == "json":
            return has_expected_shape(decoded(self.shown), decoded(said))
        return (
            re.fullmatch(re.escape(self.shown.strip()).replace("…", ".+"), said.replace("\r", "").strip()) is not None
        )


def parse_steps(page: str) -> list[Step]:
    """Parse the commands of a documentation page."""
    found: list[Step] = []
    for language, text in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        if language == "sh":
            found.append(Step(text))
        else:
            found[-1] = Step(found[-1].typed, text, language)
    return found


@dataclass(frozen=True)
class Reply:
    """The output of a command."""

    said: str
    code: int


def run_steps(
    steps: Sequence[Step], folder: Path, environment: Mapping[str, str], really: Mapping[str, str]
) -> list[Reply]:
    """Run the commands and return their output. `really`: replacements for values of the page, such as ports."""
    script = "".join(f"{step.typed}\ncode=$?; echo; echo '{END}' $code\n" for step in steps)
    for said, real in really.items():
        script = script.replace(said, real)
    shell = subprocess.run(
        ("bash", "-o", "pipefail", "-c", script),
        stdin=subprocess.DEVNULL,
        cwd=folder,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    parts = re.split(rf"{END} (\d+)\n", shell.stdout)
    return [Reply(said, int(code)) for said, code in zip(parts[::2], parts[1::2], strict=False)]


def follow(steps: Sequence[Step], folder: Path, environment: Mapping[str, str], really: Mapping[str, str]) -> None:
    """Run all commands and compare their output with the page."""
    came = run_steps(steps, folder, environment, really)
    assert len(came) == len(steps), came
    for step, reply in zip(steps, came, strict=True):
        assert reply.code == 0, f"{step.typed}\n{reply.said}"
        assert step.is_expected(reply.said), f"{step.typed}\n{reply.said}\nis not\n{step.shown}"
