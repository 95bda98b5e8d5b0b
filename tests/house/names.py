"""Checks of names: verbs of functions, banned words, `as` renames of first-party imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.house.source import Function, Module

HERE = Path(__file__).parent
VERBS = frozenset((HERE / "verbs.txt").read_text(encoding="utf-8").split())
PREDICATES = frozenset(("is", "has", "can", "are", "does", "may", "must"))

NOUN_DECORATORS = re.compile(r"\b(?:cached_)?property\b|\bfixture\b|\.setter\b|\boverload\b|\bhookimpl\b|\bhookspec\b")
"""Functions with these decorators are used like attributes, or named by somebody else's contract."""

CONTRACT_NAMES = frozenset((HERE / "contract_names.txt").read_text(encoding="utf-8").split())
"""Function names that a library or the published SDK prescribes."""

FIRST_PARTY = re.compile(r"^(?:gateway|tests|examples|bench)\b|^gateway_")


def split_words(name: str) -> list[str]:
    """Split an identifier into lower-case words: `_findRow` and `find_row` are `find`, `row`."""
    return [word for word in re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().split("_") if word]


def find_functions_without_verb(module: Module) -> Iterator[str]:
    """List functions whose first word is neither a verb nor a predicate."""
    for function in module.functions:
        if not _is_exempt(function) and split_words(function.name)[0] not in VERBS | PREDICATES:
            yield f"{module.path}:{function.lineno} {function.name}"


def _is_exempt(function: Function) -> bool:
    name = function.name
    decorators = (ast.unparse(decorator) for decorator in function.decorator_list)
    return (
        re.fullmatch(r"__\w+__|_+|test_\w+|(?:visit|leave|do)_\w+", name) is not None
        or name in CONTRACT_NAMES
        or any(NOUN_DECORATORS.search(decorator) for decorator in decorators)
    )


def find_renamed_imports(module: Module) -> Iterator[str]:
    """List first-party imports that are renamed with `as`."""
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom) and FIRST_PARTY.match(node.module or ""):
            for alias in node.names:
                if alias.asname is not None:
                    yield f"{module.path}:{node.lineno} {node.module}.{alias.name} as {alias.asname}"


def find_banned_identifiers(module: Module, banned: Sequence[str]) -> Iterator[str]:
    """List definitions, parameters and variables that contain a word that is banned in identifiers.

    Fields of classes are exempt: they are columns, records of the SDK, or GraphQL fields. So is placing an order, and
    names of tests, which are sentences.
    """
    words = frozenset(banned)
    for line, name in _list_definitions(module):
        if words.intersection(split_words(PLACING.sub("", name))) and not _is_contract(module.path, name):
            yield f"{module.path}:{line} {name}"


def _is_contract(path: str, name: str) -> bool:
    """An entry of the list may be limited to a folder: `plugins/sandbox/:place`."""
    folders = (entry.partition(":")[0] for entry in CONTRACT_NAMES if entry.endswith(f":{name}"))
    return name.startswith("test_") or name in CONTRACT_NAMES or any(path.startswith(folder) for folder in folders)


PLACING = re.compile(r"(?i)orders?_?placed?|placed?_?orders?")


def _list_definitions(module: Module) -> Iterator[tuple[int, str]]:
    fields = {id(field) for node in module.nodes if isinstance(node, ast.ClassDef) for field in _list_fields(node)}
    for node in module.nodes:
        if isinstance(node, Function | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg) and not module.path.startswith("gateway/sdk/"):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in fields:
            yield node.lineno, node.id


def _list_fields(node: ast.ClassDef) -> Iterator[ast.expr]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            yield statement.target
        elif isinstance(statement, ast.Assign):
            yield from statement.targets
