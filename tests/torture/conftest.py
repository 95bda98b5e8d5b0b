"""What takes minutes, and is different every time: collected when TORTURE is set, and not else."""

from __future__ import annotations

from tests.conftest import TORTURE

collect_ignore_glob = [] if TORTURE else ["test_*.py"]
