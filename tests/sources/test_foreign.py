"""Libraries with a transport of their own: one at a time, asked again with patience, named where missing."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from lib.errors import BadAnswer, Cancelled, CandlebookError, InputError, RateLimited, SourceDown
from lib.sources.base import notes_to
from lib.sources.foreign import HINT, Turn, load, persist
from tests.sources.clock import FakeClock


def failing(*errors: CandlebookError) -> tuple[Callable[[float], str], list[float]]:
    """Raises these one after the other, then answers; and what it was told is left of its time."""
    todo, left = list(errors), []

    def once(seconds: float) -> str:
        left.append(seconds)
        if todo:
            raise todo.pop(0)
        return "made"

    return once, left


def test_what_may_pass_is_asked_again_and_told(clock: FakeClock) -> None:
    said: list[str] = []
    once, left = failing(
        SourceDown("It is down."), BadAnswer("It is odd."), RateLimited("Slow.", retry_after=7)
    )
    with notes_to(said.append):
        assert persist(once, clock, None, 120.0) == ("made", 4)
    assert left == sorted(left, reverse=True)
    assert clock.waits[2] >= 7
    assert said[0].startswith("It is down. Asking again in")
    assert said[-1] == ""


def test_patience_ends(clock: FakeClock) -> None:
    once, left = failing(*[SourceDown("Down.") for _ in range(99)])
    with pytest.raises(SourceDown) as caught:
        persist(once, clock, None, 30.0)
    assert clock.waited <= 30
    assert caught.value.fields["requests"] == len(left) > 3
    once, left = failing(RateLimited("Slow.", retry_after=60))
    with pytest.raises(RateLimited):
        persist(once, clock, None, 30.0)
    assert len(left) == 1


@pytest.mark.parametrize(
    ("error", "tries"),
    [(BadAnswer("Odd."), 3), (BadAnswer("Nothing there.", status=404), 1), (InputError("No."), 1)],
)
def test_what_does_not_pass_is_not_asked_for_ever(
    clock: FakeClock, error: CandlebookError, tries: int
) -> None:
    once, left = failing(*[error] * 9)
    with pytest.raises(type(error)):
        persist(once, clock, None, 600.0)
    assert len(left) == tries


def test_a_wait_can_be_stopped(clock: FakeClock) -> None:
    stop = threading.Event()
    stop.set()
    once, left = failing(SourceDown("Down."))
    with pytest.raises(Cancelled):
        persist(once, clock, stop, 600.0)
    assert len(left) == 1


def test_one_at_a_time() -> None:
    turn, inside, most = Turn(), [0], [0]

    def work() -> None:
        for _ in range(50):
            with turn.taken("It", None, 60.0):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == [1]


def test_who_waits_for_a_turn_has_patience_and_can_be_stopped() -> None:
    turn, stop = Turn(), threading.Event()
    with turn.taken("It", None, 1.0):
        with pytest.raises(SourceDown, match="It is still being asked"), turn.taken("It", None, 0.1):
            pass
        stop.set()
        with pytest.raises(Cancelled), turn.taken("It", stop, 60.0):
            pass
    with pytest.raises(InputError), turn.taken("It", None, 1.0):
        raise InputError("It is let go when the block fails.")
    with turn.taken("It", None, 0.1):
        pass


def test_a_package_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match="the Python package no_such_package") as caught:
        load("no_such_package.part")
    assert caught.value.remedy == HINT
