"""Figures about the structure: folders, sizes, types, docstrings, import circles."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from tests.house.source import Function, Module


def pick_quantile(values: Sequence[int], share: float) -> int:
    """Return the value below which this share of the values lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure_sizes(modules: Sequence[Module]) -> tuple[list[int], list[int]]:
    """Return the lines of every file and of every function."""
    files = [len(module.text.splitlines()) for module in modules]
    functions = [
        (function.end_lineno or 0) - function.lineno + 1 for module in modules for function in module.functions
    ]
    return files, functions


def count_modules(modules: Sequence[Module]) -> Counter[str]:
    """Count the modules of every folder, without `__init__`. Migrations are a list that only grows."""
    counted = (module for module in modules if not module.path.endswith("__init__.py"))
    return Counter(module.folder for module in counted if not module.folder.endswith("/migrations/versions"))


def find_untyped(module: Module) -> Iterator[str]:
    """List functions with a parameter or result that has no annotation."""
    for function in module.functions:
        arguments = function.args
        parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        named = [parameter for parameter in parameters if parameter.arg not in ("self", "cls")]
        if function.returns is None or any(parameter.annotation is None for parameter in named):
            yield f"{module.path}:{function.lineno} {function.name}"


def find_undocumented(module: Module) -> Iterator[str]:
    """List public modules, classes and functions without a docstring."""
    if ast.get_docstring(module.tree) is None and module.text.strip():
        yield module.path
    for node in _list_public(module.tree):
        if ast.get_docstring(node) is None:
            yield f"{module.path}:{node.lineno} {node.name}"


def _list_public(node: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    for child in node.body:
        if isinstance(child, Function | ast.ClassDef) and not child.name.startswith("_"):
            yield child
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from _list_public(child)


def read_imports(modules: Sequence[Module]) -> dict[str, set[str]]:
    """Return the first-party modules that each module imports when it is loaded."""
    names = {module.name for module in modules}
    return {module.name: set(_list_imports(module.tree, names)) - {module.name} for module in modules}


def _list_imports(tree: ast.AST, names: set[str]) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function) or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            continue
        if isinstance(node, ast.ImportFrom):
            paths = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (path if path in names else node.module or "" for path in paths)
        yield from _list_imports(node, names)


def find_circles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other (Tarjan's strongly connected components)."""
    order, lowest, stack, circles, number = {}, {}, list[str](), list[list[str]](), count()

    def visit(name: str) -> None:
        order[name] = lowest[name] = next(number)
        stack.append(name)
        for imported in imports.get(name, ()):
            if imported not in order:
                visit(imported)
            if imported in stack:
                lowest[name] = min(lowest[name], lowest[imported])
        if lowest[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            circles.extend([sorted(group)] if len(group) > 1 else [])

    for name in imports:
        if name not in order:
            visit(name)
    return circles
