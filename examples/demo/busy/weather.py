"""What goes wrong on a busy day: channels that are slow, throttle, or talk nonsense for a while."""

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
"""Per channel: a database is never throttled."""

OFTEN, LONGEST = 0.2, 3


@dataclass(slots=True)
class Weather:
    """Who is broken, and for how many rounds more."""

    sandboxes: Mapping[str, Sandbox]
    dice: random.Random
    broken: dict[str, tuple[str, int]] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)

    async def change(self) -> None:
        """A round later: some are mended, and others break."""
        for channel, (mode, left) in list(self.broken.items()):
            self.broken[channel] = mode, left - 1
            if left <= 1:
                await self._mend(channel)
        for channel, sandbox in self.sandboxes.items():
            if channel not in self.broken and self.dice.random() < OFTEN:
                mode = self.dice.choice(MODES[channel])
                await sandbox.fault(mode)
                self.broken[channel] = mode, self.dice.randint(1, LONGEST)
                self.seen[f"{channel} {mode}"] += 1

    async def clear(self) -> None:
        """Nothing is wrong any more."""
        for channel in list(self.broken):
            await self._mend(channel)

    async def _mend(self, channel: str) -> None:
        await self.sandboxes[channel].fault("ok")
        self.broken.pop(channel)

    def __str__(self) -> str:
        return ", ".join(f"{channel} {mode}" for channel, (mode, _) in self.broken.items()) or "all well"
