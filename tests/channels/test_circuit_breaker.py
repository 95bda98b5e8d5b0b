"""The circuit breaker, on a manual clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.channels.circuit_breaker import FAILURE_THRESHOLD, MAX_PAUSE, MIN_PAUSE, CircuitBreaker, CircuitOpenError
from gateway.sdk.errors import AuthError, ChannelError, RateLimitedError, UnavailableError

DOWN = UnavailableError("no answer")


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2025, 1, 6, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker("channel till", clock, jitter=lambda: 1.0)


def fail(breaker: CircuitBreaker, times: int, error: ChannelError = DOWN) -> None:
    for _ in range(times):
        breaker.record_failure(error, probe=breaker.admit())


def test_it_opens_after_so_many_failures_in_a_row(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, FAILURE_THRESHOLD - 1)
    breaker.record_success()
    fail(breaker, FAILURE_THRESHOLD - 1)
    assert breaker.admit() is False
    fail(breaker, 1)
    with pytest.raises(CircuitOpenError, match="channel till is paused after failures: no answer") as refused:
        breaker.admit()
    assert refused.value.retry_at == clock.time + MIN_PAUSE
    assert refused.value.reason is DOWN


def test_after_its_pause_one_call_is_let_through_and_success_closes_it(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, FAILURE_THRESHOLD)
    clock.time += MIN_PAUSE
    assert breaker.admit() is True
    with pytest.raises(CircuitOpenError):
        breaker.admit()
    breaker.record_success()
    assert breaker.admit() is False


def test_each_failed_try_doubles_the_pause_up_to_the_longest(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, FAILURE_THRESHOLD)
    pauses: list[timedelta] = []
    for _ in range(8):
        assert breaker.retry_at is not None
        pauses.append(breaker.retry_at - clock.time)
        clock.time = breaker.retry_at
        fail(breaker, 1)
    assert pauses[:5] == [MIN_PAUSE * 2**n for n in range(5)]
    assert pauses[-1] == MAX_PAUSE


def test_jitter_takes_up_to_half_of_the_pause(clock: Clock) -> None:
    breaker = CircuitBreaker("channel till", clock, jitter=lambda: 0.0)
    fail(breaker, FAILURE_THRESHOLD)
    assert breaker.retry_at == clock.time + MIN_PAUSE / 2


def test_an_inconclusive_trial_call_allows_another_one(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, FAILURE_THRESHOLD)
    clock.time += MIN_PAUSE
    breaker.release(probe=breaker.admit())
    assert breaker.admit() is True


def test_refused_credentials_open_it_at_once(breaker: CircuitBreaker) -> None:
    fail(breaker, 1, AuthError("the password is wrong"))
    with pytest.raises(CircuitOpenError) as refused:
        breaker.admit()
    assert not refused.value.retryable


def test_a_channel_that_says_when_to_come_back_is_heeded(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, 1, RateLimitedError("slow down", retry_after=timedelta(minutes=2)))
    assert breaker.retry_at == clock.time + timedelta(minutes=2)


def test_failures_of_calls_that_were_under_way_do_not_lengthen_the_pause(breaker: CircuitBreaker, clock: Clock) -> None:
    under_way = [breaker.admit() for _ in range(FAILURE_THRESHOLD + 3)]
    for probe in under_way:
        breaker.record_failure(DOWN, probe=probe)
    assert breaker.retry_at == clock.time + MIN_PAUSE


def test_a_clock_that_is_set_back_does_not_keep_it_open(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, FAILURE_THRESHOLD)
    clock.time -= timedelta(hours=1)
    assert breaker.admit() is True
