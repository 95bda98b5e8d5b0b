"""The source of a generated function: its lines, and the objects that they name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MAX_LINES = 1_500
"""A longer function is not compiled: that would take more than 20 ms, in which the process serves no other request."""


class NotCompilableError(Exception):
    """The compiler does not take this operation; the reference executor does."""


class Source:
    """Lines of Python, indented, and the namespace in which they run."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self._lines: list[str] = []
        self._indent = 0
        self._numbers: dict[str, int] = {}
        self._known: dict[tuple[str, int], str] = {}

    @property
    def text(self) -> str:
        return "\n".join(self._lines) + "\n"

    def add(self, line: str) -> None:
        """Add a line.

        Raises:
            NotCompilableError: the function becomes too long.
        """
        if len(self._lines) >= MAX_LINES:
            raise NotCompilableError(f"The function has more than {MAX_LINES:,} lines.")
        self._lines.append("    " * self._indent + line)

    def reserve(self) -> int:
        """Add an empty line that `fill` replaces."""
        self.add("")
        return len(self._lines) - 1

    def fill(self, position: int, line: str) -> None:
        self._lines[position] = f"    {line}"

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Indent what is added inside the `with` statement, below its head."""
        self.add(head)
        self._indent += 1
        yield
        self._indent -= 1

    def create_name(self, stem: str) -> str:
        """Create a name of a local variable."""
        self._numbers[stem] = self._numbers.get(stem, 0) + 1
        return f"{stem}{self._numbers[stem]}"

    def bind(self, stem: str, value: object) -> str:
        """Return the name of an object that is needed at run time, the same for the same object."""
        key = (stem, id(value))
        if key not in self._known:
            self._known[key] = self.create_name(f"{stem}_")
            self.names[self._known[key]] = value
        return self._known[key]
