"""Reading ahead: a long walk keeps several requests under way, so that a slow network does not keep it below what
the provider allows.

It is a guess that the next page begins where a page without holes would end. An answer to a guess is taken only
where it has the very candle that is due; otherwise the requests under way are waited out and what is due is
asked for alone, and once more where that shows a hole. So every hole is told by requests that had no other beside
them, and an answer that belongs to another request of ours (a proxy may keep one) hides nothing.

The number of requests under way begins at one and doubles with each guess that was right and had to be waited
for. Walks of one provider share the threads that ask, so that a sync of many series has no more requests under way
than that of one. Short walks do not read ahead: what is under way when a process is killed has to be fetched again.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait

from lib.candles import micros
from lib.errors import CandlebookError
from lib.sources.asking import Got
from lib.sources.base import note, notes_to
from lib.sources.limits import cancelled

__all__ = ["Ahead"]

# How often it is looked whether a walk that waits for an answer was stopped, in seconds.
_LOOK = 0.05
# Seconds after which a thread that has nothing to ask ends, and its connections with it.
_IDLE = 2.0

_Answers = Future[Got]


class Ahead:
    """The answers of one walk. ``ask`` sends a request from a time on (µs since 1970) for ``page`` candles of
    length ``candle`` (µs); ``most`` requests are under way at once, in all walks of ``provider`` together, where
    there are ``long`` pages to come, none of them from ``until`` on."""

    def __init__(
        self,
        provider: str,
        ask: Callable[[int, threading.Event | None], Got],
        candle: int,
        page: int,
        until: int,
        *,
        most: int,
        long: int,
        stop: threading.Event | None,
    ) -> None:
        self._ask, self._candle, self._step, self._until = ask, candle, candle * page, until
        self._most, self._long, self._stop = most, long, stop
        self._flying: deque[tuple[int, _Answers]] = deque()
        self._hands = _hands(provider, most)
        self._depth = 1
        self._next = 0
        self._gone = threading.Event()
        self._spent = 0
        # the newest note of a request under way: the walk's own thread tells it, as listeners expect one thread
        self._said: deque[str] = deque(maxlen=1)

    def answer(self, at: int) -> Got:
        """What a request from ``at`` on brings, sent before or now. Raises what it raises, ``Cancelled`` when
        the walk is stopped."""
        guessed = bool(self._flying)
        if guessed and self._flying[0][0] <= at:
            coming = self._flying.popleft()[1]
            awaited = not coming.done()
            got = self._taken(coming)
            if got.has(at):
                if awaited:
                    self._depth = min(self._most, 2 * self._depth)
                self._fly()
                return got
        self.settle()
        got = self._alone(at)
        if guessed and not got.has(at):
            # what was kept on the way of a dropped answer would look like a hole
            got = min(got, self._alone(at), key=lambda one: one.first(at))
        if self._most > 1 and got.full and len(got.closed) and (self._depth > 1 or self._is_long(at)):
            self._next = int(micros(got.closed)[-1]) + self._candle
            self._depth = 2
            self._fly()
        return got

    def spent(self) -> int:
        """Requests since this was asked last; those that were not needed too."""
        spent, self._spent = self._spent, 0
        return spent

    def settle(self) -> None:
        """Let nothing be under way: wait for what is, and drop it."""
        self._gone.set()
        dropped, self._flying = self._flying, deque()
        for _, coming in dropped:
            if coming.cancel():
                continue
            error = coming.exception()
            self._spent += _requests(error) if error is not None else coming.result().requests
        self._gone = threading.Event()

    def close(self) -> None:
        """Want nothing more. What is under way ends by itself, unheard."""
        self._gone.set()
        for _, coming in self._flying:
            coming.cancel()

    # ------------------------------------------------------------------------------------------- inside

    def _alone(self, at: int) -> Got:
        got = self._ask(at, self._stop)
        self._spent += got.requests
        return got

    def _is_long(self, at: int) -> bool:
        return self._until - at >= self._long * self._step

    def _fly(self) -> None:
        while len(self._flying) < self._depth and self._next < self._until:
            coming: _Answers = Future()
            self._flying.append((self._next, coming))
            self._hands.give(functools.partial(self._answered, self._next, coming, self._gone))
            self._next += self._step

    def _answered(self, start: int, coming: _Answers, gone: threading.Event) -> None:
        """In a thread of the provider's: ask, unless that is wanted no more."""
        if not coming.set_running_or_notify_cancel():
            return
        try:
            with notes_to(self._said.append):
                coming.set_result(self._ask(start, gone))
        except BaseException as error:  # noqa: BLE001  whoever takes the answer is told
            coming.set_exception(error)

    def _taken(self, coming: _Answers) -> Got:
        while True:
            if self._stop is not None and self._stop.is_set():
                raise cancelled()
            if self._said:
                note(self._said.pop())
            wait((coming,), _LOOK)
            if coming.done():
                break
        try:
            got = coming.result()
        except CandlebookError as error:
            self._spent += _requests(error)
            raise
        self._spent += got.requests
        return got


class _Hands:
    """Up to ``most`` threads that do what is given, in turn; each ends when it has had nothing to do for a while."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._todo: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._threads = self._open = 0

    def give(self, task: Callable[[], None]) -> None:
        """A task, which raises nothing."""
        with self._lock:
            self._todo.put(task)
            self._open += 1
            fresh = self._threads < min(self._open, self._most)
            self._threads += fresh
        if fresh:
            # not a pool of the standard library: it would keep the process from ending before they do
            threading.Thread(target=self._work, name="read ahead", daemon=True).start()

    def _work(self) -> None:
        while (task := self._next()) is not None:
            task()
            with self._lock:
                self._open -= 1
            del task  # and what it holds, while there is no other

    def _next(self) -> Callable[[], None] | None:
        while True:
            try:
                return self._todo.get(timeout=_IDLE)
            except queue.Empty:
                with self._lock:
                    if self._todo.empty():
                        self._threads -= 1
                        return None


_known: dict[tuple[str, int], _Hands] = {}
_guard = threading.Lock()


def _hands(provider: str, most: int) -> _Hands:
    """The process's threads for one provider."""
    with _guard:
        return _known.setdefault((provider, most), _Hands(most))


def _requests(error: BaseException) -> int:
    return int(error.fields.get("requests", 0)) if isinstance(error, CandlebookError) else 0
