"""Conditions: what an operator must see, as subjects with a state, each with the lines that the log has of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.channels.plugin_thread import ThreadState
from gateway.model.channels import ChannelHealth, Fault, HealthStatus
from gateway.storage.reads.operator_status import DeadCommand, OperatorStatus

Subject = tuple[str, ...]
"""What a condition is about, for example a feed of a channel."""

FAULTY = {HealthStatus.DEGRADED: logging.WARNING, HealthStatus.DOWN: logging.ERROR}
STUCK = {ThreadState.SPINNING: "computes without a pause", ThreadState.ASLEEP: "sleeps"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition.

    Attributes:
        state: another state is a change.
        message: says that it has begun or changed.
        end: says that it has ended; empty: nothing is logged.
        fields: of the log record.
    """

    state: str
    message: str
    end: str = ""
    level: int = logging.WARNING
    fields: Mapping[str, str] = field(default_factory=dict)


def list_conditions(status: OperatorStatus) -> Iterator[tuple[Subject, Condition]]:
    """List the conditions that the database shows."""
    for key, health in status.health.items():
        if health.status in FAULTY:
            yield ("channel", key), _build_health_condition(key, health)
    for key, reason in status.push_faults.items():
        message = f"pushes to channel {key} are stopped: {reason}"
        yield ("push", key), Condition(reason, message, f"pushes to channel {key} continue", fields={"channel": key})
    for (key, feed, kind), fault in status.feed_faults.items():
        yield ("feed", key, feed, kind), _build_feed_condition(key, feed, kind, fault)
    for (key, feed), number in status.rejects.items():
        yield ("rejects", key, feed), _build_reject_condition(key, feed, number)
    for command in status.dead_commands:
        yield ("command", str(command.id)), _build_command_condition(command)
    for name, reason in status.paused_endpoints.items():
        yield ("webhook", name), _build_endpoint_condition(name, reason)
    for name, number in status.dead_notices.items():
        yield ("notices", name), _build_notice_condition(name, number)
    if status.unfinished_erases:
        yield ("erases", ""), _build_erase_condition(status.unfinished_erases)


def list_thread_conditions(threads: Mapping[str, ThreadState]) -> Iterator[tuple[Subject, Condition]]:
    """List the plugin threads that do not respond, by channel."""
    for key, state in threads.items():
        if state in STUCK:
            message = f"the plugin of channel {key} does not respond: it {STUCK[state]}"
            end = f"the plugin of channel {key} responds again"
            yield ("thread", key), Condition(state.value, message, end, logging.ERROR, {"channel": key})


def _build_health_condition(key: str, health: ChannelHealth) -> Condition:
    retry = "" if health.retry_at is None else f"; the next call is at {health.retry_at:%H:%M:%S} UTC"
    fault = "" if health.fault is None else f": {_describe_fault(health.fault)}"
    message = f"channel {key} is {health.status.value}{fault}{retry}"
    fields = {"channel": key, "status": health.status.value, **_build_fault_fields(health.fault)}
    return Condition(health.status.value, message, f"channel {key} is HEALTHY", FAULTY[health.status], fields)


def _build_feed_condition(key: str, feed: str, kind: str, fault: Fault) -> Condition:
    work = "sweep" if kind == "sweep" else "feed"
    message = f"{work} {feed} of channel {key} is stopped: {_describe_fault(fault)}"
    fields = {"channel": key, "feed": feed, **_build_fault_fields(fault)}
    return Condition(fault.code.value, message, f"{work} {feed} of channel {key} continues", fields=fields)


def _build_reject_condition(key: str, feed: str, number: int) -> Condition:
    """A feed that has rejects: their number may grow without another line, and their reasons quote data."""
    message = f"records of feed {feed} of channel {key} are rejected, {number} so far: see `gateway rejects list`"
    end = f"no record of feed {feed} of channel {key} is rejected any more"
    return Condition("rejected", message, end, fields={"channel": key, "feed": feed})


def _build_command_condition(command: DeadCommand) -> Condition:
    message = (
        f"command {command.id} ({command.operation}) to channel {command.channel} is dead"
        f"{'' if command.fault_code is None else f' ({command.fault_code})'}: see `gateway outbox list --state dead`"
    )
    return Condition("dead", message, level=logging.ERROR, fields={"channel": command.channel})


def _build_endpoint_condition(name: str, reason: str) -> Condition:
    message = f"webhook {name} is paused ({reason}): correct it, then `gateway webhooks resume {name}`"
    return Condition("paused", message, f"webhook {name} is not paused any more", logging.ERROR, {"webhook": name})


def _build_notice_condition(name: str, number: int) -> Condition:
    message = f"notices to webhook {name} are dead, {number} so far: see `gateway webhooks list --state dead`"
    return Condition("dead", message, f"no notice to webhook {name} is dead any more", fields={"webhook": name})


def _build_erase_condition(number: int) -> Condition:
    message = (
        f"{number} erases of customers wait for a person: see `dataRequests(kind: ERASE, states: [PARTLY_DONE])`, "
        "erase in the channels of the open parts, and state it by `dataRequestPartRecord`"
    )
    return Condition(str(number), message, "no erase of a customer waits for a person any more")


def _describe_fault(fault: Fault) -> str:
    return f"{fault.code.value}: {fault.message}" if fault.message else fault.code.value


def _build_fault_fields(fault: Fault | None) -> Mapping[str, str]:
    return {} if fault is None else {"code": fault.code.value}
