"""What is heard of a command that was wished for."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.channels import Fault
from gateway.sdk.writes import Done
from gateway.storage.outbox import Entry, OutboxState


@dataclass(frozen=True, slots=True)
class News:
    """What is known of a command now.

    Attributes:
        state: where its outbox entry stands after that.
        done: the channel has carried it out, so. None: it has not, or that is not known.
        unknown: it may have been carried out; False: it certainly was not, yet or at all.
        fault: what went wrong, where something did.
    """

    entry: Entry
    state: OutboxState
    done: Done | None = None
    unknown: bool = False
    fault: Fault | None = None

    @property
    def refused(self) -> bool:
        """A definite no."""
        return self.state is OutboxState.DEAD and self.done is None and not self.unknown
