"""Random faults of a busy day: channels that are slow, throttled, down, or return invalid data."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.sdk.testing.sandbox import Sandbox

MODES = {
    "till": ("down", "hang"),
    "web": ("slow", "error", "throttle", "garbage", "half", "down"),
    "amazon": ("slow", "error", "throttle", "garbage", "half", "down"),
}
"""Fault modes by channel; a database is never throttled."""

FAULT_PROBABILITY, MAX_FAULT_ROUNDS = 0.2, 3


@dataclass(slots=True)
class FaultSchedule:
    """The active faults, and the number of their remaining rounds."""

    sandboxes: Mapping[str, Sandbox]
    dice: random.Random
    active: dict[str, tuple[str, int]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    async def change(self) -> None:
        """Start a round: clear expired faults and start new ones."""
        for channel, (mode, left) in list(self.active.items()):
            self.active[channel] = mode, left - 1
            if left <= 1:
                await self._clear_fault(channel)
        for channel, sandbox in self.sandboxes.items():
            if channel not in self.active and self.dice.random() < FAULT_PROBABILITY:
                mode = self.dice.choice(MODES[channel])
                await sandbox.fault(mode)
                self.active[channel] = mode, self.dice.randint(1, MAX_FAULT_ROUNDS)
                self.counts[f"{channel} {mode}"] += 1

    async def clear(self) -> None:
        """Clear all faults."""
        for channel in list(self.active):
            await self._clear_fault(channel)

    async def _clear_fault(self, channel: str) -> None:
        await self.sandboxes[channel].fault("ok")
        self.active.pop(channel)

    def __str__(self) -> str:
        return ", ".join(f"{channel} {mode}" for channel, (mode, _) in self.active.items()) or "no faults"
