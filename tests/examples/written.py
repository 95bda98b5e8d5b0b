"""Pages of the documentation: what they say to type is typed, in one shell, and what they say comes back comes back."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.test_readme_demo import agrees
from tests.plugins.test_readme_demo import shown as decoded

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(sh|json|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)
END = "-- end of this block --"
PATIENCE = 120.0


@dataclass(frozen=True)
class Step:
    """What is typed, and what comes back, in `language`; None: that is not said."""

    typed: str
    shown: str | None = None
    language: str = "text"

    def holds(self, said: str) -> bool:
        """Whether this is what comes back."""
        if self.shown is None:
            return True
        if self.language == "json":
            return agrees(decoded(self.shown), decoded(said))
        return (
            re.fullmatch(re.escape(self.shown.strip()).replace("…", ".+"), said.replace("\r", "").strip()) is not None
        )


def steps(page: str) -> list[Step]:
    """What a page of the documentation says to type."""
    found: list[Step] = []
    for language, text in BLOCK.findall((DOCS / page).read_text(encoding="utf-8")):
        if language == "sh":
            found.append(Step(text))
        else:
            found[-1] = Step(found[-1].typed, text, language)
    return found


@dataclass(frozen=True)
class Reply:
    """What came back."""

    said: str
    code: int


def replies(
    steps: Sequence[Step], folder: Path, environment: Mapping[str, str], really: Mapping[str, str]
) -> list[Reply]:
    """What comes back, step by step. `really`: what stands for something that the page says, such as a port."""
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
    """Type all of it, and see that it is as the page says."""
    came = replies(steps, folder, environment, really)
    assert len(came) == len(steps), came
    for step, reply in zip(steps, came, strict=True):
        assert reply.code == 0, f"{step.typed}\n{reply.said}"
        assert step.holds(reply.said), f"{step.typed}\n{reply.said}\nis not\n{step.shown}"
