"""Settings of the gateway's process, and background work that must not end it."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Awaitable, Callable

from gateway.storage.errors import StorageUnavailableError

_log = logging.getLogger(__name__)

SWITCH_INTERVAL = 0.0001
"""Seconds after which a thread that computes lets others run: a plugin that spins would slow every query else."""

GARBAGE = (2_000, 5, 20)
"""Objects after which garbage is looked for, and how many times so before older ones are looked through as well. Taking
20,000 of them away at a time would hold everybody up for 25 ms."""


def tune_process() -> None:
    """Make this process the gateway's, for one that is nothing else, once all is loaded.

    What is loaded by then stays: looking through it for garbage again and again would hold queries up for 100 ms and
    take a tenth of a first sync.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE)


async def run_logged(work: Callable[[], Awaitable[object]], what: str) -> bool:
    """Do a piece of background work. One that fails is tried again later: it must not end the others."""
    try:
        return await run_guarded(work, what)
    except StorageUnavailableError:  # which the database logs, once for all background work
        return False


async def run_guarded(work: Callable[[], Awaitable[object]], what: str) -> bool:
    """Do a piece of background work as `run_logged` does.

    Raises:
        StorageUnavailableError: the database cannot be used.
    """
    try:
        await work()
    except StorageUnavailableError:
        raise
    except Exception:  # noqa: BLE001 whatever it is, it is logged
        _log.exception("the %s failed; it is tried again", what)
        return False
    return True
