"""Result of an outbox command."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.channels import Fault
from gateway.sdk.writes import Done
from gateway.storage.outbox import Entry, OutboxState


@dataclass(frozen=True, slots=True)
class CommandResult:
    """Result of an outbox command, as far as it is known.

    Attributes:
        state: the state of the outbox entry after the result.
        done: the channel has carried out the command. None: it has not, or it is unknown.
        unknown: the command may have been carried out. False: it certainly was not, yet or at all.
        fault: the fault, if there was one.
    """

    entry: Entry
    state: OutboxState
    done: Done | None = None
    unknown: bool = False
    fault: Fault | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the channel has definitely refused the command."""
        return self.state is OutboxState.DEAD and self.done is None and not self.unknown
