"""The circuit breaker, under a clock that the test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.channels.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker, LeftAloneError
from gateway.sdk.errors import AuthError, ChannelError, RateLimitedError, UnavailableError

DOWN = UnavailableError("nobody answers")


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2025, 1, 6, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("channel till", clock, jitter=lambda: 1.0)


def fail(breaker: Breaker, times: int, error: ChannelError = DOWN) -> None:
    for _ in range(times):
        breaker.failed(error, probe=breaker.admit())


def test_it_opens_after_so_many_failures_in_a_row(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES - 1)
    breaker.reached()
    fail(breaker, FAILURES - 1)
    assert breaker.admit() is False
    fail(breaker, 1)
    with pytest.raises(
        LeftAloneError, match="channel till is left alone until 12:00:01 UTC: nobody answers"
    ) as refused:
        breaker.admit()
    assert refused.value.retry_at == clock.time + FIRST_PAUSE
    assert refused.value.reason is DOWN


def test_after_its_pause_one_call_is_let_through_and_success_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.time += FIRST_PAUSE
    assert breaker.admit() is True
    with pytest.raises(LeftAloneError):
        breaker.admit()
    breaker.reached()
    assert breaker.admit() is False


def test_each_failed_try_doubles_the_pause_up_to_the_longest(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    pauses: list[timedelta] = []
    for _ in range(8):
        assert breaker.retry_at is not None
        pauses.append(breaker.retry_at - clock.time)
        clock.time = breaker.retry_at
        fail(breaker, 1)
    assert pauses[:5] == [FIRST_PAUSE * 2**n for n in range(5)]
    assert pauses[-1] == LONGEST_PAUSE


def test_jitter_takes_up_to_half_of_the_pause(clock: Clock) -> None:
    breaker = Breaker("channel till", clock, jitter=lambda: 0.0)
    fail(breaker, FAILURES)
    assert breaker.retry_at == clock.time + FIRST_PAUSE / 2


def test_a_try_that_told_nothing_lets_another_one_try(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.time += FIRST_PAUSE
    breaker.forget(probe=breaker.admit())
    assert breaker.admit() is True


def test_refused_credentials_open_it_at_once(breaker: Breaker) -> None:
    fail(breaker, 1, AuthError("the password is wrong"))
    with pytest.raises(LeftAloneError) as refused:
        breaker.admit()
    assert not refused.value.retryable


def test_a_channel_that_says_when_to_come_back_is_heeded(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 1, RateLimitedError("slow down", retry_after=timedelta(minutes=2)))
    assert breaker.retry_at == clock.time + timedelta(minutes=2)


def test_failures_of_calls_that_were_under_way_do_not_lengthen_the_pause(breaker: Breaker, clock: Clock) -> None:
    under_way = [breaker.admit() for _ in range(FAILURES + 3)]
    for probe in under_way:
        breaker.failed(DOWN, probe=probe)
    assert breaker.retry_at == clock.time + FIRST_PAUSE


def test_a_clock_that_is_set_back_does_not_keep_it_open(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.time -= timedelta(hours=1)
    assert breaker.admit() is True
