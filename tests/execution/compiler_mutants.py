"""Versions of the compiler that each lack one of its rules: a line that it writes, or a condition under which it does.

They are made from its source: each call that adds lines, and each block of lines, is left out once; each condition is
once always true, and once never.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from gateway.execution.compiler import generator, leaves, plan, sites

WRITERS = ("source.add", "self._add_", "_add_", "leaves.add_", "self.dependencies.", "self.roots.", "self.levels[")
"""How calls begin that write lines, or record what the function needs."""

BLOCKS = ("source.block", "self.source.block", "self._guard")


@dataclass(frozen=True)
class Mutant:
    """A version of a module.

    Attributes:
        number: of its change, among those of the module.
        change: what is done to which line.
    """

    module: ModuleType
    number: int
    line: int
    change: str

    @property
    def name(self) -> str:
        return f"{self._module_name}, line {self.line}, {self.change}"

    def is_one_of(self, changes: Mapping[str, Collection[str]]) -> bool:
        """Whether its change is one of these, by module."""
        return self.change in changes[self._module_name]

    @property
    def _module_name(self) -> str:
        return self.module.__name__.rpartition(".")[2]

    @contextmanager
    def use(self) -> Iterator[None]:
        """Compile operations with this version inside the `with` statement."""
        tree = _parse(self.module)
        list(_list_changes(tree))[self.number].apply()
        changed = ModuleType(self.module.__name__)
        with ExitStack() as stack:
            stack.enter_context(patch.dict(sys.modules, {self.module.__name__: changed}))  # for its dataclasses
            exec(compile(ast.fix_missing_locations(tree), self.name, "exec"), changed.__dict__)
            if self.module is leaves:
                stack.enter_context(patch.object(generator, "leaves", changed))
            elif self.module is sites:
                stack.enter_context(patch.object(generator, "select_batch", changed.__dict__["select_batch"]))
            else:
                stack.enter_context(patch.object(plan, "Generator", changed.__dict__["Generator"]))
            yield


def list_mutants() -> list[Mutant]:
    """List all versions."""
    return [
        Mutant(module, number, change.statement.lineno, change.describe())
        for module in (generator, leaves, sites)
        for number, change in enumerate(_list_changes(_parse(module)))
    ]


def _parse(module: ModuleType) -> ast.Module:
    assert module.__file__ is not None
    return ast.parse(Path(module.__file__).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Change:
    """A change of a statement of a tree. `kind`: what becomes of it."""

    body: list[ast.stmt]
    index: int
    kind: str

    @property
    def statement(self) -> ast.stmt:
        return self.body[self.index]

    def describe(self) -> str:
        """Describe it in a line."""
        return f"{self.kind}: {ast.unparse(self.statement).splitlines()[0]}"

    def apply(self) -> None:
        """Make the change."""
        old = self.statement
        if self.kind in ("true", "false"):
            assert isinstance(old, ast.If)
            old.test = ast.Constant(self.kind == "true")
        elif self.kind == "unwrapped":
            assert isinstance(old, ast.With)
            self.body[self.index : self.index + 1] = old.body
        else:
            self.body[self.index] = ast.Pass()


def _list_changes(tree: ast.Module) -> Iterator[Change]:
    """List the changes of a module, in the order of its lines."""
    for node in ast.walk(tree):
        for name in ("body", "orelse"):
            body = getattr(node, name, None)
            if isinstance(node, ast.FunctionDef | ast.With | ast.If | ast.For | ast.While) and isinstance(body, list):
                yield from (Change(body, index, kind) for index, one in enumerate(body) for kind in _list_kinds(one))


def _list_kinds(statement: ast.stmt) -> Iterator[str]:
    """List what can be done to a statement."""
    if isinstance(statement, ast.Expr) and ast.unparse(statement).removeprefix("self.").startswith(
        tuple(writer.removeprefix("self.") for writer in WRITERS)
    ):
        yield "left out"
    elif isinstance(statement, ast.With) and ast.unparse(statement.items[0]).startswith(BLOCKS):
        yield "left out"
        yield "unwrapped"
    elif isinstance(statement, ast.If):
        yield "true"
        yield "false"
