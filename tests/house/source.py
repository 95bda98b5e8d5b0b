"""The Python source of the project, parsed once."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PRODUCT = ("gateway", "plugins")
ALL = (*PRODUCT, "tests", "examples", "bench")
SKIPPED = {"node_modules", "__pycache__"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file. `path`: relative to the root; `name`: the dotted name it is imported by."""

    path: str
    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)

    @property
    def folder(self) -> str:
        """The folder of the file."""
        return self.path.rpartition("/")[0]

    @cached_property
    def nodes(self) -> Sequence[ast.AST]:
        """All nodes of the file: walking it once is what costs."""
        return list(ast.walk(self.tree))

    @cached_property
    def functions(self) -> Sequence[Function]:
        """All functions and methods, also nested ones."""
        return [node for node in self.nodes if isinstance(node, Function)]


def read_modules(root: Path, folders: Sequence[str] = ALL) -> list[Module]:
    """Read the Python files in these folders of a tree."""
    paths = (path for folder in folders for path in sorted((root / folder).rglob("*.py")))
    relative = (path.relative_to(root) for path in paths)
    return [
        Module(path.as_posix(), name_module(path), (root / path).read_text(encoding="utf-8"))
        for path in relative
        if not SKIPPED.intersection(path.parts)
    ]


def name_module(path: Path) -> str:
    """Return the dotted name that a file is imported by."""
    parts = list(path.with_suffix("").parts)
    while parts[0] in ("plugins", "sandbox"):
        parts = parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
