"""The circuit breaker: when it opens, when it lets one through, and what that one decides."""

from __future__ import annotations

from rag.adapters.circuit_breaker import CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(failures=3, seconds=30, clock=clock)
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    assert not opened(Clock()).allows()


def test_a_success_begins_the_count_anew() -> None:
    breaker = CircuitBreaker(failures=2, clock=Clock())
    for _ in range(5):
        breaker.failed()
        breaker.succeeded()
        assert breaker.allows()
    breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()


def test_after_a_while_one_call_is_let_through_and_no_second() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 29
    assert not breaker.allows()
    clock.now += 1
    assert breaker.allows()
    assert not breaker.allows()


def test_what_that_call_comes_to_decides() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    clock.now += 30
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.allows()
    breaker.failed()
    assert breaker.allows()


def test_a_call_that_was_given_up_does_not_keep_it_open_for_ever() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 30
    assert breaker.allows()
    clock.now += 30
    assert breaker.allows()
