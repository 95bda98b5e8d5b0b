"""How many requests are worked on at once: as few as keep the processor busy.

Everything that is computed shares one processor core. Requests that compute beside each other gain nothing and are each
slower by the others; while one waits for a database elsewhere, another may compute.
"""

from __future__ import annotations

from dataclasses import dataclass

FEWEST, MOST = 1, 16
"""Requests at once. Above, connections to a database run out."""

SLOWER = 1.6
"""How much slower than alone a request may become through those beside it, before fewer are let in."""

IDLE = 0.25
"""Which share of a request's time the processor has to have nothing to do, before more are let in."""

LATEST = 0.1
"""How much the latest request counts in what is known of all."""


@dataclass(slots=True)
class Pace:
    """How long requests take, in seconds of their own turns, and how many are let in at once.

    Attributes:
        limit: so many, rounded down.
        alone: what they take by themselves; None: not known yet.
        usual: what they take beside others, as many as there were.
        idle: the share of it in which the process computed nothing.
    """

    limit: float = FEWEST
    alone: float | None = None
    usual: float = 0.0
    idle: float = 0.0

    def note(self, took: float, computed: float, at_once: int) -> None:
        """A request is over. It took so long, the process computed for so long meanwhile, and there were so many."""
        self._learn(took, computed, at_once)
        if self.usual > SLOWER * (self.alone or 0.0):
            self.limit = max(FEWEST, self.limit - 1 / self.limit)
        elif at_once >= int(self.limit) and self.idle > IDLE:
            self.limit = min(MOST, self.limit + 0.2 / self.limit)

    def _learn(self, took: float, computed: float, at_once: int) -> None:
        self.usual += (took - self.usual) * LATEST if self.usual else took
        self.idle += (max(0.0, 1 - computed / took) - self.idle) * LATEST if took else 0.0
        if self.alone is None:
            self.alone = took / at_once
        elif at_once == 1:
            self.alone += (took - self.alone) * LATEST
        else:  # not known any more, if nothing ever runs alone: what is asked changes
            self.alone += min(0.0, took - self.alone) * LATEST + self.alone * 0.0005
