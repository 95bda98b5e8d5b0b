"""State that statements share between threads is complete before the first thread runs one."""

from __future__ import annotations

import subprocess
import sys

UNFINISHED = """
import importlib, pkgutil
import sqlalchemy as sa
import gateway.storage
for found in pkgutil.iter_modules(gateway.storage.__path__, "gateway.storage."):
    module = importlib.import_module(found.name)
    for name, value in vars(module).items():
        if isinstance(value, sa.FromClause) and "_columns" not in vars(value) and not isinstance(value, sa.Select):
            print(found.name, name)
"""
"""Prints the aliases of modules that have yet to build their columns: two threads would each build their own."""


def test_no_alias_that_threads_share_has_yet_to_make_its_columns() -> None:
    """In a separate process: in this one, statements have been run."""
    found = subprocess.run([sys.executable, "-c", UNFINISHED], capture_output=True, text=True, check=True)
    assert found.stdout == ""
