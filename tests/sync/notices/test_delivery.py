"""A notice is delivered at least once, under one ID, and a failing endpoint holds up no other (rule N3)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import httpx2
import pytest

from gateway.model.notices.kinds import NoticeState
from gateway.storage.database import Database
from gateway.storage.sync import notices
from gateway.storage.writes.customers.consents import confirm_fact
from gateway.sync.notices import delivery
from gateway.sync.notices.retry_schedule import RETRY_DELAYS, compute_retry_delay
from gateway.sync.notices.signature import build_headers
from tests.gateways import START
from tests.sync.notices.receiver import KEY, Endpoints, build_endpoints

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

OpenDatabase = Callable[[], contextlib.AbstractAsyncContextManager[Database]]


@pytest.fixture
async def endpoints(open_database: OpenDatabase) -> AsyncIterator[Endpoints]:
    async with open_database() as database:
        yield build_endpoints(database, "mailer", "archive")


async def list_states(endpoints: Endpoints, name: str) -> list[NoticeState]:
    rows = await endpoints.database.read(notices.list_notices)
    return [notice.state for notice in rows if notice.endpoint == name]


async def test_a_notice_is_sent_once_to_each_endpoint_and_has_ids_only(endpoints: Endpoints) -> None:
    await endpoints.enqueue()
    await endpoints.run()
    await endpoints.run(days=1)
    (mailed,), (archived,) = (receiver.bodies for receiver in endpoints.receivers.values())
    assert mailed == archived
    assert (mailed["kind"], set(mailed["data"])) == (
        "consent.confirmation_requested",
        {"customerId", "purpose", "receivedAt", "token"},
    )
    assert await list_states(endpoints, "mailer") == [NoticeState.DONE]


async def test_the_token_of_a_notice_is_not_stored(endpoints: Endpoints) -> None:
    await endpoints.enqueue()
    (notice, _) = await endpoints.database.read(notices.list_notices)
    assert set(notice.ids) == {"customer", "fact"}


async def test_versions_of_a_subject_grow(endpoints: Endpoints) -> None:
    for subject in ("a" * 32, "b" * 32, "a" * 32):
        await endpoints.enqueue(subject)
    await endpoints.run()
    bodies = endpoints.receivers["mailer"].bodies
    by_customer: dict[str, list[int]] = {}
    for body in bodies:
        by_customer.setdefault(body["data"]["customerId"], []).append(body["version"])
    assert sorted(map(len, by_customer.values())) == [1, 2]
    assert all(len(set(versions)) == len(versions) for versions in by_customer.values())


async def test_every_try_has_the_same_id_and_a_time_of_its_own(endpoints: Endpoints) -> None:
    mailer = endpoints.receivers["mailer"]
    mailer.answer = 503
    await endpoints.enqueue()
    await endpoints.run()
    mailer.answer = httpx2.ConnectError("down")
    await endpoints.run(seconds=5)
    mailer.answer = 204
    await endpoints.run(seconds=30)
    assert len(set(mailer.ids)) == 1
    times = [int(request.headers["webhook-timestamp"]) - int(START.timestamp()) for request in mailer.requests]
    assert times == [0, 5, 35]
    assert await list_states(endpoints, "mailer") == [NoticeState.DONE]
    assert len(endpoints.receivers["archive"].requests) == 1


@pytest.mark.parametrize("answer", [301, 302, 307, 404, 429, 500, httpx2.ReadTimeout("slow")])
async def test_only_a_status_of_2xx_is_a_success(endpoints: Endpoints, answer: int | Exception) -> None:
    endpoints.receivers["mailer"].answer = answer
    await endpoints.enqueue()
    await endpoints.run()
    assert await list_states(endpoints, "mailer") == [NoticeState.QUEUED]
    assert len(endpoints.receivers["mailer"].requests) == 1


def test_retries_take_about_three_days_and_end() -> None:
    assert RETRY_DELAYS[0] == timedelta(seconds=5)
    assert RETRY_DELAYS[-1] == timedelta(hours=12)
    assert timedelta(days=2.8) < sum(RETRY_DELAYS, timedelta()) < timedelta(days=3.2)
    delays = [compute_retry_delay(attempts) for attempts in range(1, len(RETRY_DELAYS) + 1)]
    assert all(delay is not None and delay >= RETRY_DELAYS[0] for delay in delays)
    assert compute_retry_delay(len(RETRY_DELAYS) + 1) is None


async def test_a_notice_that_fails_alone_is_dead_after_its_tries_and_can_be_replayed(endpoints: Endpoints) -> None:
    mailer = endpoints.receivers["mailer"]
    await endpoints.enqueue()
    for _ in range(len(RETRY_DELAYS) + 1):
        mailer.answer = 500
        await endpoints.run(hours=12)
        mailer.answer = 200  # others succeed, so that the endpoint is not paused
        await endpoints.enqueue("b" * 32)
        await endpoints.delivery.deliver("mailer")
    failed = mailer.ids[0]
    assert mailer.ids.count(failed) == len(RETRY_DELAYS) + 1
    assert {notice.id for notice in await endpoints.database.read(notices.list_notices, NoticeState.DEAD)} == {failed}
    await endpoints.run(days=3)
    assert mailer.ids.count(failed) == len(RETRY_DELAYS) + 1
    assert await endpoints.database.write(notices.replay_notices, [failed], endpoints.clock()) == [failed]
    await endpoints.run()
    assert await endpoints.database.read(notices.list_notices, NoticeState.DEAD) == []
    assert mailer.ids.count(failed) == len(RETRY_DELAYS) + 2


async def test_an_endpoint_that_fails_for_a_day_is_paused_and_loses_nothing(endpoints: Endpoints) -> None:
    mailer = endpoints.receivers["mailer"]
    mailer.answer = 500
    await endpoints.enqueue()
    for _ in range(4):
        await endpoints.run(hours=12)
    tries = len(mailer.requests)
    await endpoints.enqueue("b" * 32)
    await endpoints.run(hours=12)
    assert len(mailer.requests) == tries == 3
    assert len(endpoints.receivers["archive"].requests) == 2
    status = (await endpoints.database.read(notices.find_endpoint_statuses))["mailer"]
    assert (status.paused_at, status.fault) == (START + timedelta(hours=36), "status 500")
    mailer.answer = 200
    assert await endpoints.database.write(notices.resume_endpoint, "mailer", endpoints.clock())
    await endpoints.run()
    assert set(await list_states(endpoints, "mailer")) == {NoticeState.DONE}
    assert not await endpoints.database.write(notices.resume_endpoint, "mailer", endpoints.clock())


async def test_an_endpoint_that_is_gone_is_paused_at_once(endpoints: Endpoints) -> None:
    endpoints.receivers["mailer"].answer = 410
    await endpoints.enqueue()
    await endpoints.run()
    await endpoints.enqueue("b" * 32)
    await endpoints.run(days=1)
    assert len(endpoints.receivers["mailer"].requests) == 1
    assert sorted(state.value for state in await list_states(endpoints, "mailer")) == ["DEAD", "QUEUED"]


async def test_a_grant_that_was_confirmed_meanwhile_is_not_asked_about(endpoints: Endpoints) -> None:
    await endpoints.enqueue()
    await endpoints.database.write(confirm_fact, f"{1:032x}", endpoints.clock())
    await endpoints.run()
    assert endpoints.receivers["mailer"].requests == []
    assert await list_states(endpoints, "mailer") == [NoticeState.DONE]


async def test_what_a_killed_process_had_in_flight_is_sent_again_under_its_id(endpoints: Endpoints) -> None:
    mailer = endpoints.receivers["mailer"]
    await endpoints.enqueue()
    mailer.answer = asyncio.CancelledError()  # the process ends after the request was received
    with contextlib.suppress(asyncio.CancelledError):
        await endpoints.run()
    mailer.answer = 200
    await endpoints.run()
    assert len(mailer.requests) == 1
    await endpoints.run(seconds=11)
    assert mailer.ids == mailer.ids[:1] * 2


async def test_a_result_that_arrives_after_another_attempt_has_begun_is_not_stored(endpoints: Endpoints) -> None:
    mailer = endpoints.receivers["mailer"]
    await endpoints.enqueue()

    async def claim() -> None:
        later = endpoints.clock() + timedelta(minutes=1)
        await endpoints.database.write(notices.claim_due_notices, "mailer", later, later, "another", 5)

    mailer.before = claim
    await endpoints.delivery.deliver("mailer")
    assert len(mailer.requests) == 1
    assert await list_states(endpoints, "mailer") == [NoticeState.QUEUED]


async def test_a_slow_endpoint_holds_up_no_other(endpoints: Endpoints) -> None:
    released = asyncio.Event()

    async def wait() -> None:
        await released.wait()

    endpoints.receivers["mailer"].before = wait
    for n in range(delivery.SLOTS + 2):
        await endpoints.enqueue(f"{n:032x}")
    slow = asyncio.create_task(endpoints.delivery.deliver("mailer"))
    await endpoints.delivery.deliver("archive")
    assert len(endpoints.receivers["archive"].requests) == delivery.SLOTS + 2
    assert not slow.done()
    released.set()
    await slow


def test_both_secrets_sign_while_one_replaces_the_other() -> None:
    headers = build_headers([KEY, b"n" * 32], "msg", START, b"{}")
    signatures = headers["webhook-signature"].split(" ")
    content = f"msg.{int(START.timestamp())}.{{}}".encode()
    for key, signature in zip([KEY, b"n" * 32], signatures, strict=True):
        version, _, encoded = signature.partition(",")
        assert version == "v1"
        assert b64decode(encoded) == hmac.new(key, content, hashlib.sha256).digest()
