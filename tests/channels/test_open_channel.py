"""The channel guard: whatever a plugin does, its caller gets a validated result or a `ChannelError`, in time."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.channels.circuit_breaker import FAILURE_THRESHOLD, MIN_PAUSE
from gateway.channels.guarded_call import MAX_CONCURRENT_CALLS, CallQueueTimeoutError
from gateway.channels.open_channel import BadRecord, CallTimeoutError, CircuitOpenError, OpenChannel, build_fault
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
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.fault_injection import (
    Ask,
    Barrier,
    Fault,
    add_records,
    block_thread,
    omit_records,
    raise_error,
    return_value,
    spin_thread,
)
from gateway.sdk.testing.memory_channel import MemoryStore, build_delivery
from tests.channels.conftest import Clock, OpenMemory

pytestmark = pytest.mark.anyio

SOON = timedelta(milliseconds=100)
LONG = timedelta(seconds=20)


class SecretiveError(Exception):
    """An error of a driver whose text must not leave the log."""


async def read_first_page(channel: OpenChannel, deadline: timedelta = LONG) -> Page:
    return await channel.page("products", None, None, deadline)


async def fail(channel: OpenChannel, times: int) -> None:
    for _ in range(times):
        with pytest.raises(UnavailableError):
            await read_first_page(channel)


# ------------------------------------------------------------------------------------------------ deadlines


@pytest.mark.parametrize("block", [block_thread, spin_thread])
async def test_a_plugin_that_blocks_its_thread_costs_a_caller_its_deadline_and_not_more(
    open_memory: OpenMemory, store: MemoryStore, block: Callable[[threading.Event], Fault]
) -> None:
    release = threading.Event()
    async with open_memory() as channel:
        with store.under(block(release)):
            begun = time.monotonic()
            with pytest.raises(CallTimeoutError, match=r"^channel till did not respond within 0\.1 s$"):
                await read_first_page(channel, SOON)
            assert time.monotonic() - begun < 2
            release.set()
        assert await read_first_page(channel) == Page((), None, "0")


async def test_a_plugin_that_hangs_costs_a_caller_its_deadline(open_memory: OpenMemory, store: MemoryStore) -> None:
    async with open_memory() as channel:
        with store.under(Barrier()), pytest.raises(CallTimeoutError):
            await read_first_page(channel, SOON)


async def test_only_so_many_calls_run_at_once_and_those_of_shoppers_have_their_own_turns(
    open_memory: OpenMemory, store: MemoryStore
) -> None:
    barrier = Barrier()
    async with open_memory() as channel:
        store.apply(barrier, method="page")
        running = [asyncio.create_task(read_first_page(channel)) for _ in range(MAX_CONCURRENT_CALLS)]
        await barrier.reached.wait()
        with pytest.raises(CallQueueTimeoutError):
            await read_first_page(channel, SOON)
        assert await channel.fetch("products", [Ref("1")], LONG, live=True) == {"1": Gone(Ref("1"))}
        barrier.open()
        assert len(await asyncio.gather(*running)) == MAX_CONCURRENT_CALLS
        assert channel.breaker.failures == 0


# ------------------------------------------------------------------------------------------------ circuit breaker


async def test_a_channel_that_keeps_failing_is_left_alone_and_tried_again_later(
    open_memory: OpenMemory, store: MemoryStore, clock: Clock
) -> None:
    async with open_memory() as channel:
        with store.under(raise_error(UnavailableError("the shop's line is down"))):
            await fail(channel, FAILURE_THRESHOLD)
            asked = len(store.calls)
            with pytest.raises(CircuitOpenError, match="the shop's line is down") as refused:
                await read_first_page(channel)
            assert len(store.calls) == asked
            assert build_fault(refused.value, clock()).code is FaultCode.UNAVAILABLE
        clock.pass_(MIN_PAUSE)
        assert await read_first_page(channel) == Page((), None, "0")


@pytest.mark.parametrize("error", [RejectedError("no"), ContractError("odd"), CursorExpiredError("old"), KeyError("x")])
async def test_a_channel_that_answers_whatever_it_says_is_not_left_alone(
    open_memory: OpenMemory, store: MemoryStore, error: Exception
) -> None:
    async with open_memory() as channel:
        with store.under(raise_error(error)):
            for _ in range(FAILURE_THRESHOLD + 1):
                with pytest.raises(ChannelError):
                    await read_first_page(channel)
        assert await read_first_page(channel) == Page((), None, "0")


async def test_refused_credentials_are_tried_once_and_not_again_until_later(
    open_memory: OpenMemory, store: MemoryStore, clock: Clock
) -> None:
    async with open_memory() as channel:
        with store.under(raise_error(AuthError("the password was changed"))):
            with pytest.raises(AuthError):
                await read_first_page(channel)
            with pytest.raises(CircuitOpenError) as refused:
                await read_first_page(channel)
        fault = build_fault(refused.value, clock())
        assert (fault.code, fault.retryable) == (FaultCode.AUTH_FAILED, False)


async def test_a_caller_that_leaves_proves_nothing_about_the_channel(
    open_memory: OpenMemory, store: MemoryStore, clock: Clock
) -> None:
    async with open_memory() as channel:
        with store.under(raise_error(UnavailableError("down"))):
            await fail(channel, FAILURE_THRESHOLD)
        clock.pass_(MIN_PAUSE)
        barrier = Barrier()
        with store.under(barrier):
            caller = asyncio.create_task(read_first_page(channel))
            await barrier.reached.wait()
            caller.cancel()
            with pytest.raises(asyncio.CancelledError):
                await caller
        assert await read_first_page(channel) == Page((), None, "0")


# ------------------------------------------------------------------------------------------------ foreign exceptions


@pytest.mark.parametrize("error", [SecretiveError("password=hunter2"), TimeoutError("inner"), SystemExit(3)])
async def test_a_foreign_exception_is_named_and_its_text_goes_to_the_log_alone(
    open_memory: OpenMemory, store: MemoryStore, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    async with open_memory() as channel:
        with store.under(raise_error(error)), pytest.raises(ContractError) as raised:
            await read_first_page(channel)
        assert str(raised.value) == f"the plugin memory raised {type(error).__name__}"
        assert str(error) in caplog.text


async def test_a_secret_of_the_configuration_is_blotted_out_of_messages(
    open_memory: OpenMemory, store: MemoryStore
) -> None:
    async with open_memory(secrets=["hunter22"]) as channel:
        with (
            store.under(raise_error(UnavailableError("cannot reach https://me:hunter22@till/"))),
            pytest.raises(UnavailableError, match=r"^cannot reach https://me:\*\*\*@till/$"),
        ):
            await read_first_page(channel)
        with store.under(return_value({"1": RejectedError("hunter22 is not known")})):
            found = await channel.fetch("products", [Ref("1")], LONG)
        assert str(found["1"]) == "*** is not known"


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (CallTimeoutError("late"), FaultCode.TIMEOUT, True),
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
    fault = build_fault(error, clock())
    assert (fault.code, fault.retryable, fault.occurred_at, fault.message) == (code, retryable, clock(), str(error))


def test_a_faults_message_can_be_stored_whatever_it_holds(clock: Clock) -> None:
    message = build_fault(UnavailableError("\0\ud800" + "x" * 5000), clock()).message
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
        (Page([Raw("1", {}), Raw("1", {})]), "a page has two items with the same id"),
        (Page([], next=3), "the token of the next page: expected text, found int"),  # type: ignore[arg-type]
        (Page([], next="t" * 8001), "the token of the next page: has 8001 characters; at most 8000 are allowed"),
        (Page([], mark="m\0"), "the mark: contains a NUL character or an unpaired surrogate"),
        (Page([], next="here"), "a page names itself as the next one"),
        (Page([], resume=1), "resume is of type int, expected bool"),  # type: ignore[arg-type]
    ],
)
async def test_a_page_that_is_none_is_named(
    open_memory: OpenMemory, store: MemoryStore, answer: object, what: str
) -> None:
    async with open_memory() as channel:
        with store.under(return_value(answer)), pytest.raises(ContractError) as raised:
            await channel.page("products", None, "here", LONG)
        assert str(raised.value) == f"the plugin memory violates its contract: {what}"


@pytest.mark.parametrize("bad", ["", " ", "a\0b", "a\ud800", "x" * 256])
async def test_an_id_that_cannot_be_stored_rejects_its_record_and_stops_no_page(
    open_memory: OpenMemory, store: MemoryStore, bad: str
) -> None:
    store.put("products", record_builders.build_product("1"))
    async with open_memory() as channel:
        with store.under(add_records(Raw(bad, record_builders.build_product("other")))):
            page = await read_first_page(channel)
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
    bad = record_builders.build_invalid_rows()
    for feed, row in bad.values():
        store.put(feed, row)
    store.put("products", record_builders.build_product("good"))
    found: dict[str, Any] = {}
    async with open_memory() as channel:
        for feed in channel.feeds:
            page = await channel.page(feed, None, None, LONG)
            said = await channel.read(feed, page.items)
            found |= {raw.data["id"]: record for raw, record in zip(page.items, said, strict=True)}
    assert isinstance(found.pop("good"), ProductRecord)
    assert {id: (record.field, record.reason) for id, record in found.items()} == {
        "bad-price": ("price", "price: -1.00 is negative"),
        "bad-currency": ("currency", "currency: 'gbp' is not a currency code of ISO 4217"),
        "fine-price": ("amount", "amount: 1.005 has more digits than the currency GBP"),
        "long-sku": ("sku", "sku: has 5000 characters; at most 255 are allowed"),
        "nul": ("title", "title: contains a NUL character or an unpaired surrogate"),
        "surrogate": ("title", "title: contains a NUL character or an unpaired surrogate"),
        "unfit\0id": ("id", "id: contains a NUL character or an unpaired surrogate"),
        "no-title": (None, "the plugin raised KeyError for this record"),
        "no-row": (None, "the plugin raised TypeError for this record"),
        "half@shop": ("on_hand", "on_hand: 0.5 is not a whole number of the variant's smallest unit"),
        "none@shop": ("onHand", "onHand: expected exactly one of on_hand and available"),
        "year-0": ("placedAt", "placedAt: '0000-00-00T00:00:00Z' is not a date and time"),
        "no-zone": ("placedAt", "placedAt: has no time zone"),
        "long-name": ("display_name", "display_name: has 5000 characters; at most 255 are allowed"),
    }


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (lambda: None, "read returned NoneType, expected ProductRecord"),
        (
            lambda: record_builders.read_stock(record_builders.build_stock("1", "shop", 1)),
            "read returned StockRecord, expected ProductRecord",
        ),
        (lambda: Gone(Ref("2")), "read returned a record with another id than the page"),
        (
            lambda: record_builders.read_product(record_builders.build_product("2")),
            "read returned a record with another id than the page",
        ),
        (lambda: raise_(SecretiveError("jane@example.com")), "the plugin raised SecretiveError for this record"),
        (lambda: raise_(SystemExit(1)), "the plugin raised SystemExit for this record"),
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
        raws = [Raw("1", record_builders.build_product("1")), Raw("3", record_builders.build_product("3"))]
        bad, good = await channel.read("products", raws)
        assert bad == BadRecord(reason, "id" if "another id" in reason else None)
        assert good == record_builders.read_product(record_builders.build_product("3"))


def raise_(error: BaseException) -> None:
    raise error


async def test_reading_is_bounded_too(open_memory: OpenMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    async with open_memory() as channel:
        monkeypatch.setattr(channel.feeds["products"], "read", lambda raw: release.wait())
        with pytest.raises(CallTimeoutError):
            await channel.read("products", [Raw("1", {})], SOON)
        release.set()


# ------------------------------------------------------------------------------------------------ fetching


async def test_every_ref_that_was_asked_for_is_answered(open_memory: OpenMemory, store: MemoryStore) -> None:
    store.put("products", record_builders.build_product("1"))
    store.put("products", record_builders.build_product("2"))
    async with open_memory() as channel:
        with store.under(omit_records("2")):
            found = await channel.fetch("products", [Ref("1"), Ref("2"), Ref("3")], LONG)
    assert isinstance(found["1"], Raw)
    assert str(found["2"]) == "the plugin memory returned nothing for a requested record"
    assert isinstance(found["2"], ContractError)
    assert found["3"] == Gone(Ref("3"))


@pytest.mark.parametrize("wrong", [Raw("2", {}), Gone(Ref("2")), {"id": "1"}, KeyError("1")])
async def test_a_wrong_answer_for_a_ref_is_an_error_of_that_ref(
    open_memory: OpenMemory, store: MemoryStore, wrong: object
) -> None:
    async with open_memory() as channel:
        with store.under(return_value({"1": wrong, "2": Raw("2", {})})):
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
        with store.under(return_value([])), pytest.raises(ContractError, match="of type list, expected a mapping"):
            await channel.fetch("products", [Ref("1")], LONG)


async def test_a_feed_that_is_not_live_cannot_fetch(open_memory: OpenMemory) -> None:
    async with open_memory(live=False) as channel:
        with pytest.raises(ContractError, match="cannot fetch single records"):
            await channel.fetch("products", [Ref("1")], LONG)


# ------------------------------------------------------------------------------------------------ webhooks


async def test_a_signed_delivery_gives_its_id_and_its_hints(open_memory: OpenMemory, clock: Clock) -> None:
    async with open_memory(secrets=["old one", "new one"]) as channel:
        for secret in ("old one", "new one"):
            signed = build_delivery(secret, "d1", "stock", ["1@shop"], clock())
            assert await channel.verify(signed, LONG) == "d1"
            assert [(hint.feed, hint.id) for hint in await channel.read_hints(signed, LONG)] == [("stock", "1@shop")]


async def test_a_forged_delivery_and_a_stale_one_are_refused(open_memory: OpenMemory, clock: Clock) -> None:
    async with open_memory(secrets=["one"]) as channel:
        with pytest.raises(ForgedError):
            await channel.verify(build_delivery("another", "d1", "stock", ["1@shop"], clock()), LONG)
        signed = build_delivery("one", "d1", "stock", ["1@shop"], clock())
        late = type(signed)(headers=signed.headers, body=signed.body, received_at=clock() + timedelta(hours=1))
        with pytest.raises(StaleError):
            await channel.verify(late, LONG)


@pytest.mark.parametrize(("feed", "id"), [("prices", "1"), ("stock", "a\0b")])
async def test_a_hint_that_cannot_be_followed_is_a_broken_contract(
    open_memory: OpenMemory, clock: Clock, feed: str, id: str
) -> None:
    async with open_memory(secrets=["one"]) as channel:
        with pytest.raises(ContractError, match="hint"):
            await channel.read_hints(build_delivery("one", "d1", feed, [id], clock()), LONG)


async def test_a_channel_is_subscribed_to_once(open_memory: OpenMemory, store: MemoryStore) -> None:
    async with open_memory(secrets=["one"]) as channel:
        await channel.subscribe("https://gateway.example/hooks/till", LONG)
        await channel.subscribe("https://gateway.example/hooks/till", LONG)
    assert store.subscriptions == ["https://gateway.example/hooks/till"]


# ------------------------------------------------------------------------------------------------ other calls


async def test_the_plugin_is_notified_of_a_stored_pass(open_memory: OpenMemory, store: MemoryStore) -> None:
    async with open_memory() as channel:
        await channel.confirm_pass("orders", "7", LONG)
    assert store.taken == [("orders", "7")]


async def test_other_work_runs_under_the_same_guard(open_memory: OpenMemory) -> None:
    async def get_thread_name() -> str:
        return threading.current_thread().name

    async with open_memory() as channel:
        assert await channel.call(get_thread_name, deadline=LONG) == "plugin-channel till"


async def test_the_proof_without_a_plugin_thread_a_plugin_that_blocks_holds_its_caller_and_the_loop() -> None:
    release = threading.Event()

    async def answer() -> None:
        return None

    timer = threading.Timer(0.3, release.set)
    timer.start()
    begun = time.monotonic()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await block_thread(release)(Ask("products", "page"), answer)
    assert time.monotonic() - begun > 0.25
    timer.join()


async def test_closing_never_hangs(
    open_memory: OpenMemory, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.channels.open_channel.CLOSE_TIMEOUT", SOON)
    release = threading.Event()
    begun = time.monotonic()
    async with open_memory() as channel:
        with store.under(block_thread(release)), pytest.raises(CallTimeoutError):
            await read_first_page(channel, SOON)
    assert time.monotonic() - begun < 5
    release.set()
