"""The HTTP client of plugins, against a server that sends scripted responses byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from gateway.channels.call_context import Urgency, bind
from gateway.channels.http_client import ChannelHttpClient, PrivateAddressError
from gateway.channels.rate_budget import RateBudget, UnlimitedBucketStore
from gateway.sdk import (
    Answer,
    AuthError,
    Budget,
    ChannelError,
    ContractError,
    OutcomeUnknownError,
    RateLimitedError,
    Request,
    UnavailableError,
)
from gateway.sdk.errors import BudgetSpentError

pytestmark = pytest.mark.anyio

GET, POST = Request(method="GET", path="/orders"), Request(method="POST", path="/orders", json={"id": 1})
SEARCH = Request(method="POST", path="/search", json={}, repeatable=True)


def reply(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """Build a complete response."""
    named = {"content-length": str(len(body)), "content-type": "application/json", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body


class Server:
    """Sends scripted responses in order, then repeats the last one; records the requests."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers, self.asked = list(answers), list[bytes]()
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if b"content-length" in line), 0)
                self.asked.append(head + await reader.readexactly(length))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer is None:  # no response
                    await reader.read()
                    break
                writer.write(answer)
                await writer.drain()
                if not answer.startswith(b"HTTP") or b"connection: close" in answer:
                    break
        writer.close()


@contextlib.asynccontextmanager
async def serve_answers(*answers: bytes | None) -> AsyncIterator[Server]:
    server = Server(*answers)
    listening = await asyncio.start_server(server.take, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


async def ask(
    server: Server, request: Request, *, private: bool = True, within: float = 5, host: str = "127.0.0.1"
) -> Answer:
    budget = RateBudget("web", {"calls": Budget(10, 1)}, UnlimitedBucketStore())
    client = ChannelHttpClient(
        "web", f"http://{host}:{server.port}/api", get_credentials, budget.spend, private=private
    )
    try:
        return await bind(Urgency.DELTA, timedelta(seconds=within), lambda: client.send(request))()
    finally:
        await client.close()


async def get_credentials() -> dict[str, str]:
    return {"x-access-token": "secret of the shop"}


async def test_a_request_carries_its_proof_its_query_and_the_name_of_the_host() -> None:
    async with serve_answers(reply(200, b'{"price": 10.10}')) as server:
        answer = await ask(server, Request(method="GET", path="/o", query={"page": "a b", "id": ["1", "2"]}))
    assert (answer.status, str(answer.json()["price"])) == (200, "10.10")
    head = server.asked[0].lower()
    assert head.startswith(b"get /api/o?page=a+b&id=1&id=2 http/1.1") or b"page=a%20b" in head
    assert b"x-access-token: secret of the shop" in head
    assert f"host: 127.0.0.1:{server.port}".encode() in head


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AuthError), (403, AuthError), (429, RateLimitedError), (302, ContractError), (101, ContractError)],
)
async def test_what_a_status_means_is_said_in_the_familys_words(status: int, error: type[ChannelError]) -> None:
    async with serve_answers(reply(status, location="http://169.254.169.254/", connection="close")) as server:
        with pytest.raises((error, UnavailableError)) as raised:
            await ask(server, GET)
    assert "secret of the shop" not in str(raised.value)
    if status != 101:  # nothing was upgraded, so the connection ends without a response
        assert isinstance(raised.value, error)
        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 422])
async def test_a_refusal_that_only_the_plugin_understands_comes_back(status: int) -> None:
    async with serve_answers(reply(status, b'{"errors": []}')) as server:
        assert (await ask(server, GET)).status == status


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), ("2.0", 2), ("soon", None), ("nan", None), ("-1e999", None)])
async def test_retry_after_is_honored_where_it_can_be_parsed(said: str, seconds: int | None) -> None:
    async with serve_answers(reply(429, retry_after=said)) as server:
        with pytest.raises(RateLimitedError) as raised:
            await ask(server, GET)
    assert raised.value.retry_after == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize("failure", [reply(500), reply(503), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"])
async def test_what_may_be_repeated_is_until_it_succeeds(failure: bytes) -> None:
    closing = failure.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)
    async with serve_answers(closing, closing, reply(200)) as server:
        assert (await ask(server, SEARCH)).status == 200
    assert len(server.asked) == 3


@pytest.mark.parametrize("failure", [reply(500), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b"nonsense"])
async def test_what_may_not_be_repeated_is_sent_once_and_its_outcome_is_unknown(failure: bytes) -> None:
    closing = failure.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)
    async with serve_answers(closing) as server:
        with pytest.raises(OutcomeUnknownError):
            await ask(server, POST)
    assert len(server.asked) == 1


async def test_a_server_that_is_not_there_was_not_reached_whatever_was_asked() -> None:
    async with serve_answers(reply(200)) as server:
        pass
    with pytest.raises(UnavailableError):
        await ask(server, POST)


async def test_a_server_that_never_answers_takes_no_longer_than_the_call_has() -> None:
    async with serve_answers(None) as server:
        with pytest.raises(UnavailableError):
            await asyncio.wait_for(ask(server, GET, within=0.3), 5)


async def test_an_answer_that_is_too_long_is_read_no_further() -> None:
    async with serve_answers(reply(200, b"[" + b"0," * 500_000 + b"0]")) as server:
        with pytest.raises(ContractError, match="more than 100,000 bytes"):
            await ask(server, Request(method="GET", path="/", most=100_000))


@pytest.mark.parametrize("body", [b"<html>", b"[" * 200_000, b'{"n": NaN}', b'{"n": Infinity}', b"\xff", b"", b"{}{}"])
async def test_an_answer_that_is_not_json_is_a_broken_contract(body: bytes) -> None:
    async with serve_answers(reply(200, body)) as server:
        answer = await ask(server, GET)
    with pytest.raises(ContractError, match="is not JSON"):
        answer.json()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_a_private_address_is_not_asked_unless_the_configuration_says_so(host: str) -> None:
    async with serve_answers(reply(200)) as server:
        with pytest.raises(PrivateAddressError, match=r"channels\.web\.private_addresses"):
            await ask(server, GET, private=False, host=host)
    assert server.asked == []


@pytest.mark.parametrize(
    "address", ["ftp://shop.example", "shop.example", "http://", "https://user:secret@shop.example"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(address: str) -> None:
    budget = RateBudget("web", {}, UnlimitedBucketStore())
    with pytest.raises(ContractError) as raised:
        ChannelHttpClient("web", address, None, budget.spend, private=False)
    assert "secret" not in str(raised.value)


class StrictBucketStore(UnlimitedBucketStore):
    """Cannot spend within a second."""

    async def acquire(self, *_: Any) -> float:
        return 1.0


async def test_a_budget_that_cannot_pay_in_time_leaves_the_channel_unasked() -> None:
    budget = RateBudget("web", {"calls": Budget(10, 1)}, StrictBucketStore())
    async with serve_answers(reply(200)) as server:
        client = ChannelHttpClient("web", f"http://127.0.0.1:{server.port}", None, budget.spend, private=True)
        request = Request(method="GET", path="/", budget="calls")
        with pytest.raises(BudgetSpentError) as raised:
            await bind(Urgency.DELTA, timedelta(seconds=0.5), lambda: client.send(request))()
        await client.close()
    assert (raised.value.retry_after, server.asked) == (timedelta(seconds=1), [])


async def test_a_budget_that_was_not_declared_pays_nothing() -> None:
    budget = RateBudget("web", {"calls": Budget(10, 1)}, UnlimitedBucketStore())
    with pytest.raises(ContractError, match="declares no budget others; it has calls"):
        await budget.spend("others")
