"""Canceling orders: a job of the shop's, which is over when the order itself says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from gateway.sdk import Accepted, CancelOrder, ChannelError, Context, Done, Outcome, OutcomeUnknownError, Refused, Write
from gateway_shopify.answers import gid, mapping
from gateway_shopify.client import Client
from gateway_shopify.handling import order_by_id
from gateway_shopify.mutations import CANCEL, JOB
from gateway_shopify.refusals import Refusal, payload_of

SOON = timedelta(seconds=5)
LONGEST_NOTE = 255

CANCELED = Done(moved_stock=True)
"""The shop has put back what the order had taken."""


async def ask_to_cancel(client: Client, id: str, note: str) -> str | Refusal:
    """The job that cancels an order and puts back what it took, or why there is none."""
    told = {"id": gid("Order", id), "reason": "OTHER", "note": note[:LONGEST_NOTE]}
    answer = payload_of(await client.ask(CANCEL, **told), "orderCancel", "orderCancelUserErrors")
    if isinstance(answer, Refusal):
        return answer
    job = mapping(answer.get("job")).get("id")
    if not isinstance(job, str):
        raise OutcomeUnknownError("orderCancel answered without a job")
    return job


class Canceling(Write[CancelOrder]):
    """Cancels orders of which nothing has left."""

    of = CancelOrder

    def __init__(self, client: Client, context: Context) -> None:
        self._client, self._context = client, context

    async def send(self, commands: Sequence[CancelOrder]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._sent(command) for command in commands]

    async def find(self, command: CancelOrder, ticket: str | None) -> Outcome | None:
        """See `Write.find`. A job that is done and has canceled nothing has failed."""
        done = ticket is not None and await self._is_done(ticket)  # first, or the order might be canceled in between
        order = await order_by_id(self._client, command.subject.id)
        if order is not None and order.canceled:
            return CANCELED
        if ticket is None:
            return None
        return NOT_CANCELED if done else self._later(ticket)

    async def _sent(self, command: CancelOrder) -> Outcome:
        job = await ask_to_cancel(self._client, command.subject.id, command.reason)
        if isinstance(job, str):
            return self._later(job)
        order = await order_by_id(self._client, command.subject.id)
        return CANCELED if order is not None and order.canceled else job.outcome("cancel the order")

    async def _is_done(self, job: str) -> bool:
        """Whether it is over; the shop forgets its jobs."""
        found = (await self._client.ask(JOB, id=job)).get("job")
        return found is None or mapping(found).get("done") is True

    def _later(self, ticket: str) -> Accepted:
        return Accepted(ticket=ticket, look_after=self._context.now() + SOON)


NOT_CANCELED = Refused(code="NOT_CANCELED", message="the shop has tried, and has not canceled the order")
