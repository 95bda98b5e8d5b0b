"""Tests that take minutes and vary with every run: collected only when TORTURE is set."""

from __future__ import annotations

from tests.conftest import TORTURE

collect_ignore_glob = [] if TORTURE else ["test_*.py"]
