"""Cancellation of orders: an asynchronous job of the shop, which is complete when the order is canceled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from gateway.sdk import Accepted, CancelOrder, ChannelError, Context, Done, Outcome, OutcomeUnknownError, Refused, Write
from gateway_shopify.client import ShopifyClient
from gateway_shopify.fulfillment_orders import fetch_order
from gateway_shopify.graphql_values import build_gid, convert_object
from gateway_shopify.user_errors import UserError, get_payload
from gateway_shopify.write_documents import CANCEL_ORDER, GET_JOB

JOB_POLL_DELAY = timedelta(seconds=5)
MAX_NOTE_LENGTH = 255

CANCELED = Done(moved_stock=True)
"""The shop has restocked the units of the order."""


async def request_cancellation(client: ShopifyClient, id: str, note: str) -> str | UserError:
    """Start the job that cancels and restocks an order; return its ID, or the user error."""
    variables = {"id": build_gid("Order", id), "reason": "OTHER", "note": note[:MAX_NOTE_LENGTH]}
    answer = get_payload(await client.call(CANCEL_ORDER, **variables), "orderCancel", "orderCancelUserErrors")
    if isinstance(answer, UserError):
        return answer
    job = convert_object(answer.get("job")).get("id")
    if not isinstance(job, str):
        raise OutcomeUnknownError("the response of orderCancel has no job")
    return job


class OrderCancellation(Write[CancelOrder]):
    """Cancels orders of which nothing has been shipped."""

    of = CancelOrder

    def __init__(self, client: ShopifyClient, context: Context) -> None:
        self._client, self._context = client, context

    async def send(self, commands: Sequence[CancelOrder]) -> Sequence[Outcome | ChannelError]:
        """See `Write.send`."""
        return [await self._send_command(command) for command in commands]

    async def find(self, command: CancelOrder, ticket: str | None) -> Outcome | None:
        """See `Write.find`. A job that is done has failed if the order is not canceled."""
        done = ticket is not None and await self._is_job_done(
            ticket
        )  # read first: the order could be canceled between the two reads
        order = await fetch_order(self._client, command.subject.id)
        if order is not None and order.canceled:
            return CANCELED
        if ticket is None:
            return None
        return NOT_CANCELED if done else self._accept(ticket)

    async def _send_command(self, command: CancelOrder) -> Outcome:
        job = await request_cancellation(self._client, command.subject.id, command.reason)
        if isinstance(job, str):
            return self._accept(job)
        order = await fetch_order(self._client, command.subject.id)
        return CANCELED if order is not None and order.canceled else job.to_refused("cancel the order")

    async def _is_job_done(self, job: str) -> bool:
        """Whether the job is done. The shop deletes old jobs."""
        result = (await self._client.call(GET_JOB, id=job)).get("job")
        return result is None or convert_object(result).get("done") is True

    def _accept(self, ticket: str) -> Accepted:
        return Accepted(ticket=ticket, look_after=self._context.now() + JOB_POLL_DELAY)


NOT_CANCELED = Refused(code="NOT_CANCELED", message="the shop has not canceled the order")
