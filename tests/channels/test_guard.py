"""The guard: whatever a plugin does, its caller gets a checked answer or one of the error family, in time."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.channels.breaker import FAILURES, FIRST_PAUSE
from gateway.channels.calls import AT_ONCE, CrowdedError
from gateway.channels.guard import BadRecord, LeftAloneError, OpenChannel, TimedOutError, fault_of
from gateway.model.channels import FaultCode
from gateway.sdk import (
    AuthError,
    ChannelError,
    ContractError,
    CursorExpiredError,
    ForgedError,
    Gone,
    OutcomeUnknownError,
    Page,
    ProductRecord,
    RateLimitedError,
    Raw,
    Ref,
    RejectedError,
    StaleError,
    UnavailableError,
)
from gateway.sdk.testing import rows
from gateway.sdk.testing.faults import Ask, Fault, Gate, blocking, raising, returning, spinning, with_rows, without
from gateway.sdk.testing.memory import MemoryStore, delivery
from tests.channels.conftest import Clock, OpenMemory

pytestmark = pytest.mark.anyio

SOON = timedelta(milliseconds=100)
LONG = timedelta(seconds=20)


class SecretiveError(Exception):
    """What a driver would raise: its text is nobody's business."""


async def first_page(channel: OpenChannel, deadline: timedelta = LONG) -> Page:
    return await channel.page("products", None, None, deadline)


async def fail(channel: OpenChannel, times: int) -> None:
    for _ in range(times):
        with pytest.raises(UnavailableError):
            await first_page(channel)


# ------------------------------------------------------------------------------------------------ deadlines


@pytest.mark.parametrize("block", [blocking, spinning])
async def test_a_plugin_that_blocks_its_thread_costs_a_caller_its_deadline_and_not_more(
    open_memory: OpenMemory, store: MemoryStore, block: Callable[[threading.Event], Fault]
) -> None:
    release = threading.Event()
    async with open_memory() as channel:
        with store.under(block(release)):
            begun = time.monotonic()
            with pytest.raises(TimedOutError, match=r"^channel till did not answer within 0\.1 s$"):
                await first_page(channel, SOON)
            assert time.monotonic() - begun < 2
            release.set()
        assert await first_page(channel) == Page((), None, "0")


async def test_a_plugin_that_hangs_costs_a_caller_its_deadline(open_memory: OpenMemory, store: MemoryStore) -> None:
    async with open_memory() as channel:
        with store.under(Gate()), pytest.raises(TimedOutError):
            await first_page(channel, SOON)


async def test_only_so_many_calls_run_at_once_and_those_of_shoppers_have_their_own_turns(
    open_memory: OpenMemory, store: MemoryStore
) -> None:
    gate = Gate()
    async with open_memory() as channel:
        store.apply(gate, method="page")
        running = [asyncio.create_task(first_page(channel)) for _ in range(AT_ONCE)]
        await gate.reached.wait()
        with pytest.raises(CrowdedError):
            await first_page(channel, SOON)
        assert await channel.fetch("products", [Ref("1")], LONG, live=True) == {"1": Gone(Ref("1"))}
        gate.open()
        assert len(await asyncio.gather(*running)) == AT_ONCE
        assert channel.breaker.failures == 0


# ------------------------------------------------------------------------------------------------ the breaker


async def test_a_channel_that_keeps_failing_is_left_alone_and_tried_again_later(
    open_memory: OpenMemory, store: MemoryStore, clock: Clock
) -> None:
    async with open_memory() as channel:
        with store.under(raising(UnavailableError("the shop's line is down"))):
            await fail(channel, FAILURES)
            asked = len(store.calls)
            with pytest.raises(LeftAloneError, match="the shop's line is down") as refused:
                await first_page(channel)
            assert len(store.calls) == asked
            assert fault_of(refused.value, clock()).code is FaultCode.UNAVAILABLE
        clock.pass_(FIRST_PAUSE)
        assert await first_page(channel) == Page((), None, "0")


@pytest.mark.parametrize("error", [RejectedError("no"), ContractError("odd"), CursorExpiredError("old"), KeyError("x")])
async def test_a_channel_that_answers_whatever_it_says_is_not_left_alone(
    open_memory: OpenMemory, store: MemoryStore, error: Exception
) -> None:
    async with open_memory() as channel:
        with store.under(raising(error)):
            for _ in range(FAILURES + 1):
                with pytest.raises(ChannelError):
                    await first_page(channel)
        assert await first_page(channel) == Page((), None, "0")


async def test_refused_credentials_are_tried_once_and_not_again_until_later(
    open_memory: OpenMemory, store: MemoryStore, clock: Clock
) -> None:
    async with open_memory() as channel:
        with store.under(raising(AuthError("the password was changed"))):
            with pytest.raises(AuthError):
                await first_page(channel)
            with pytest.raises(LeftAloneError) as refused:
                await first_page(channel)
        fault = fault_of(refused.value, clock())
        assert (fault.code, fault.retryable) == (FaultCode.AUTH_FAILED, False)


async def test_a_caller_that_leaves_tells_nothing_about_the_channel(
    open_memory: OpenMemory, store: MemoryStore, clock: Clock
) -> None:
    async with open_memory() as channel:
        with store.under(raising(UnavailableError("down"))):
            await fail(channel, FAILURES)
        clock.pass_(FIRST_PAUSE)
        gate = Gate()
        with store.under(gate):
            caller = asyncio.create_task(first_page(channel))
            await gate.reached.wait()
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
        assert await first_page(channel) == Page((), None, "0")


# ------------------------------------------------------------------------------------------------ foreign exceptions


@pytest.mark.parametrize("error", [SecretiveError("password=hunter2"), TimeoutError("inner"), SystemExit(3)])
async def test_a_foreign_exception_is_named_and_its_text_goes_to_the_log_alone(
    open_memory: OpenMemory, store: MemoryStore, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    async with open_memory() as channel:
        with store.under(raising(error)), pytest.raises(ContractError) as raised:
            await first_page(channel)
        assert str(raised.value) == f"the plugin memory raised {type(error).__name__}"
        assert str(error) in caplog.text


async def test_a_secret_of_the_configuration_is_blotted_out_of_messages(
    open_memory: OpenMemory, store: MemoryStore
) -> None:
    async with open_memory(secrets=["hunter22"]) as channel:
        with (
            store.under(raising(UnavailableError("cannot reach https://me:hunter22@till/"))),
            pytest.raises(UnavailableError, match=r"^cannot reach https://me:\*\*\*@till/$"),
        ):
            await first_page(channel)
        with store.under(returning({"1": RejectedError("hunter22 is not known")})):
            found = await channel.fetch("products", [Ref("1")], LONG)
        assert str(found["1"]) == "*** is not known"


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (TimedOutError("late"), FaultCode.TIMEOUT, True),
        (UnavailableError("down"), FaultCode.UNAVAILABLE, True),
        (OutcomeUnknownError("lost"), FaultCode.TIMEOUT, True),
        (RateLimitedError("slow down"), FaultCode.RATE_LIMITED, True),
        (AuthError("who"), FaultCode.AUTH_FAILED, False),
        (RejectedError("no"), FaultCode.REJECTED, False),
        (CursorExpiredError("old"), FaultCode.REJECTED, True),
        (ContractError("odd"), FaultCode.CONTRACT_VIOLATION, False),
        (ForgedError("not ours"), FaultCode.REJECTED, False),
        (ChannelError("something"), FaultCode.UNAVAILABLE, True),
    ],
)
def test_every_error_of_the_family_has_a_fault_code(
    clock: Clock, error: ChannelError, code: FaultCode, retryable: bool
) -> None:
    fault = fault_of(error, clock())
    assert (fault.code, fault.retryable, fault.occurred_at, fault.message) == (code, retryable, clock(), str(error))


def test_a_faults_message_can_be_stored_whatever_it_holds(clock: Clock) -> None:
    message = fault_of(UnavailableError("\0\ud800" + "x" * 5000), clock()).message
    assert message is not None
    assert message.startswith("\\x00\\ud800xxx")
    assert len(message) == 500


# ------------------------------------------------------------------------------------------------ pages


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (None, "a page is of type NoneType, expected Page"),
        ([], "a page is of type list, expected Page"),
        (Page("ab"), "the items of a page is of type str, expected a sequence"),  # type: ignore[arg-type]
        (Page(3), "the items of a page is of type int, expected a sequence"),  # type: ignore[arg-type]
        (Page([{"id": "1"}]), "an item of a page is of type dict, expected Raw"),  # type: ignore[list-item]
        (Page([Raw(1, {})]), "the id of an item is of type int, expected str"),  # type: ignore[arg-type]
        (Page([Raw("1", {}), Raw("1", {})]), "a page has two items of one id"),
        (Page([], next=3), "the token of the next page: expected text, found int"),  # type: ignore[arg-type]
        (Page([], next="t" * 8001), "the token of the next page: 8001 characters, at most 8000 are allowed"),
        (Page([], mark="m\0"), "the mark: contains a NUL or half of a surrogate pair"),
        (Page([], next="here"), "a page names itself as the next one"),
        (Page([], resume=1), "resume is of type int, expected bool"),  # type: ignore[arg-type]
    ],
)
async def test_a_page_that_is_none_is_named(
    open_memory: OpenMemory, store: MemoryStore, answer: object, what: str
) -> None:
    async with open_memory() as channel:
        with store.under(returning(answer)), pytest.raises(ContractError) as raised:
            await channel.page("products", None, "here", LONG)
        assert str(raised.value) == f"the plugin memory breaks its contract: {what}"


@pytest.mark.parametrize("bad", ["", " ", "a\0b", "a\ud800", "x" * 256])
async def test_an_id_that_cannot_be_stored_rejects_its_record_and_stops_no_page(
    open_memory: OpenMemory, store: MemoryStore, bad: str
) -> None:
    store.put("products", rows.product("1"))
    async with open_memory() as channel:
        with store.under(with_rows(Raw(bad, rows.product("other")))):
            page = await first_page(channel)
        good, unfit = page.items
        assert (good.id, unfit.data["id"]) == ("1", "other")
        assert unfit.id.startswith("unfit:")
        read = await channel.read("products", page.items)
        assert isinstance(read[0], ProductRecord)
        assert isinstance(read[1], BadRecord)
        assert read[1].field == "id"


# ------------------------------------------------------------------------------------------------ reading


async def test_every_bad_row_is_rejected_with_its_reason_and_the_others_are_read(
    open_memory: OpenMemory, store: MemoryStore
) -> None:
    bad = rows.bad_rows()
    for feed, row in bad.values():
        store.put(feed, row)
    store.put("products", rows.product("good"))
    found: dict[str, Any] = {}
    async with open_memory() as channel:
        for feed in channel.feeds:
            page = await channel.page(feed, None, None, LONG)
            said = await channel.read(feed, page.items)
            found |= {raw.data["id"]: record for raw, record in zip(page.items, said, strict=True)}
    assert isinstance(found.pop("good"), ProductRecord)
    assert {id: (record.field, record.reason) for id, record in found.items()} == {
        "bad-price": ("price", "price: -1.00 is negative"),
        "bad-currency": ("currency", "currency: 'XXX' is not a currency code of ISO 4217"),
        "fine-price": ("amount", "amount: 1.005 is finer than the smallest unit of GBP"),
        "long-sku": ("sku", "sku: 5000 characters, at most 255 are allowed"),
        "bad-gtin": ("gtin", "gtin: 4006381333932 has a wrong check digit"),
        "nul": ("title", "title: contains a NUL or half of a surrogate pair"),
        "surrogate": ("title", "title: contains a NUL or half of a surrogate pair"),
        "unfit\0id": ("id", "id: contains a NUL or half of a surrogate pair"),
        "no-title": (None, "the plugin failed on it with KeyError"),
        "no-row": (None, "the plugin failed on it with TypeError"),
        "half@shop": ("on_hand", "on_hand: 0.5 is not a whole number of the variant's smallest unit"),
        "none@shop": ("onHand", "onHand: expected exactly one of on_hand and available"),
        "year-0": ("placedAt", "placedAt: '0000-00-00T00:00:00Z' is not a date and time"),
        "no-zone": ("placedAt", "placedAt: has no time zone"),
        "long-name": ("display_name", "display_name: 5000 characters, at most 255 are allowed"),
    }


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (lambda: None, "read returned NoneType, expected ProductRecord"),
        (lambda: rows.read_stock(rows.stock("1", "shop", 1)), "read returned StockRecord, expected ProductRecord"),
        (lambda: Gone(Ref("2")), "read gave the record another id than the page did"),
        (lambda: rows.read_product(rows.product("2")), "read gave the record another id than the page did"),
        (lambda: raise_(SecretiveError("jane@example.com")), "the plugin failed on it with SecretiveError"),
        (lambda: raise_(SystemExit(1)), "the plugin failed on it with SystemExit"),
        (lambda: raise_(RejectedError("no such thing")), "no such thing"),
    ],
)
async def test_what_read_returns_or_raises_wrongly_rejects_that_record_alone(
    open_memory: OpenMemory, monkeypatch: pytest.MonkeyPatch, said: Callable[[], object], reason: str
) -> None:
    async with open_memory() as channel:
        feed = channel.feeds["products"]
        rightly = feed.read
        monkeypatch.setattr(feed, "read", lambda raw: said() if raw.id == "1" else rightly(raw))
        raws = [Raw("1", rows.product("1")), Raw("3", rows.product("3"))]
        bad, good = await channel.read("products", raws)
        assert bad == BadRecord(reason, "id" if "another id" in reason else None)
        assert good == rows.read_product(rows.product("3"))


def raise_(error: BaseException) -> None:
    raise error


async def test_reading_is_bounded_too(open_memory: OpenMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    async with open_memory() as channel:
        monkeypatch.setattr(channel.feeds["products"], "read", lambda raw: release.wait())
        with pytest.raises(TimedOutError):
            await channel.read("products", [Raw("1", {})], SOON)
        release.set()


# ------------------------------------------------------------------------------------------------ fetching


async def test_every_ref_that_was_asked_for_is_answered(open_memory: OpenMemory, store: MemoryStore) -> None:
    store.put("products", rows.product("1"))
    store.put("products", rows.product("2"))
    async with open_memory() as channel:
        with store.under(without("2")):
            found = await channel.fetch("products", [Ref("1"), Ref("2"), Ref("3")], LONG)
    assert isinstance(found["1"], Raw)
    assert str(found["2"]) == "the plugin memory did not answer for a record that it was asked for"
    assert isinstance(found["2"], ContractError)
    assert found["3"] == Gone(Ref("3"))


@pytest.mark.parametrize("wrong", [Raw("2", {}), Gone(Ref("2")), {"id": "1"}, KeyError("1")])
async def test_a_wrong_answer_for_a_ref_is_an_error_of_that_ref(
    open_memory: OpenMemory, store: MemoryStore, wrong: object
) -> None:
    async with open_memory() as channel:
        with store.under(returning({"1": wrong, "2": Raw("2", {})})):
            found = await channel.fetch("products", [Ref("1"), Ref("2")], LONG)
    assert isinstance(found["1"], ContractError)
    assert found["2"] == Raw("2", {})


async def test_more_refs_than_one_call_may_carry_are_asked_for_in_several(
    open_memory: OpenMemory, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_memory() as channel:
        monkeypatch.setattr(channel.live_feeds["products"], "fetch_at_once", 2)
        refs = [Ref(str(number)) for number in range(5)]
        assert list(await channel.fetch("products", refs, LONG)) == ["0", "1", "2", "3", "4"]
    assert [len(ask.refs) for ask in store.calls] == [2, 2, 1]


async def test_a_fetch_that_answers_with_nonsense_is_named(open_memory: OpenMemory, store: MemoryStore) -> None:
    async with open_memory() as channel:
        with store.under(returning([])), pytest.raises(ContractError, match="of type list, expected a mapping"):
            await channel.fetch("products", [Ref("1")], LONG)


async def test_a_feed_that_is_not_live_cannot_fetch(open_memory: OpenMemory) -> None:
    async with open_memory(live=False) as channel:
        with pytest.raises(ContractError, match="cannot fetch single records"):
            await channel.fetch("products", [Ref("1")], LONG)


# ------------------------------------------------------------------------------------------------ webhooks


async def test_a_signed_delivery_gives_its_id_and_its_hints(open_memory: OpenMemory, clock: Clock) -> None:
    async with open_memory(secrets=["old one", "new one"]) as channel:
        for secret in ("old one", "new one"):
            signed = delivery(secret, "d1", "stock", ["1@shop"], clock())
            assert await channel.verify(signed, LONG) == "d1"
            assert [(hint.feed, hint.id) for hint in await channel.hints(signed, LONG)] == [("stock", "1@shop")]


async def test_a_forged_delivery_and_a_stale_one_are_refused(open_memory: OpenMemory, clock: Clock) -> None:
    async with open_memory(secrets=["one"]) as channel:
        with pytest.raises(ForgedError):
            await channel.verify(delivery("another", "d1", "stock", ["1@shop"], clock()), LONG)
        signed = delivery("one", "d1", "stock", ["1@shop"], clock())
        late = type(signed)(headers=signed.headers, body=signed.body, received_at=clock() + timedelta(hours=1))
        with pytest.raises(StaleError):
            await channel.verify(late, LONG)


@pytest.mark.parametrize(("feed", "id"), [("prices", "1"), ("stock", "a\0b")])
async def test_a_hint_that_cannot_be_followed_is_a_broken_contract(
    open_memory: OpenMemory, clock: Clock, feed: str, id: str
) -> None:
    async with open_memory(secrets=["one"]) as channel:
        with pytest.raises(ContractError, match="hint"):
            await channel.hints(delivery("one", "d1", feed, [id], clock()), LONG)


async def test_a_channel_is_subscribed_to_once(open_memory: OpenMemory, store: MemoryStore) -> None:
    async with open_memory(secrets=["one"]) as channel:
        await channel.subscribe("https://gateway.example/hooks/till", LONG)
        await channel.subscribe("https://gateway.example/hooks/till", LONG)
    assert store.subscriptions == ["https://gateway.example/hooks/till"]


# ------------------------------------------------------------------------------------------------ the rest


async def test_a_stored_pass_is_told_to_the_plugin(open_memory: OpenMemory, store: MemoryStore) -> None:
    async with open_memory() as channel:
        await channel.taken("orders", "7", LONG)
    assert store.taken == [("orders", "7")]


async def test_other_work_runs_under_the_same_guard(open_memory: OpenMemory) -> None:
    async def thread() -> str:
        return threading.current_thread().name

    async with open_memory() as channel:
        assert await channel.call(thread, deadline=LONG) == "lane-channel till"


async def test_the_proof_without_a_lane_a_plugin_that_blocks_holds_its_caller_and_the_loop() -> None:
    release = threading.Event()

    async def answer() -> None:
        return None

    timer = threading.Timer(0.3, release.set)
    timer.start()
    begun = time.monotonic()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await blocking(release)(Ask("products", "page"), answer)
    assert time.monotonic() - begun > 0.25
    timer.join()


async def test_closing_never_hangs(
    open_memory: OpenMemory, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.channels.guard.CLOSING", SOON)
    release = threading.Event()
    begun = time.monotonic()
    async with open_memory() as channel:
        with store.under(blocking(release)), pytest.raises(TimedOutError):
            await first_page(channel, SOON)
    assert time.monotonic() - begun < 5
    release.set()
