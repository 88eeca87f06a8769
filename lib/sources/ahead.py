"""Reading ahead: a long walk keeps several requests under way, so that a slow network does not keep it below what
the provider allows.

It is a guess that the next page begins where a page without holes would end. An answer to a guess is taken only
where it has the very candle that is due; otherwise the requests under way are waited out and what is due is
asked for alone, and once more where that shows a hole. So every hole is told by requests that had no other beside
them, and an answer that belongs to another request of ours (a proxy may keep one) hides nothing.

The number of requests under way begins at one and doubles with each guess that was right and had to be waited
for. Short walks do not read ahead: what is under way when a process is killed has to be fetched again.
"""

from __future__ import annotations

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

_Answers = Future[Got]


class Ahead:
    """The answers of one walk. ``ask`` sends a request from a time on (µs since 1970) for ``page`` candles of
    length ``candle`` (µs); ``most`` requests are under way at once where there are ``long`` pages to come, none
    of them from ``until`` on."""

    def __init__(
        self,
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
        self._todo: queue.SimpleQueue[tuple[int, _Answers, threading.Event] | None] = queue.SimpleQueue()
        self._threads = 0
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
        for _ in range(self._threads):
            self._todo.put(None)
        self._threads = 0

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
            self._todo.put((self._next, coming, self._gone))
            self._next += self._step
            if self._threads < len(self._flying):
                self._threads += 1
                # not a pool of the standard library: it would keep the process from ending before they do
                threading.Thread(target=self._work, name="read ahead", daemon=True).start()

    def _work(self) -> None:
        with notes_to(self._said.append):
            while (task := self._todo.get()) is not None:
                start, coming, gone = task
                if not coming.set_running_or_notify_cancel():
                    continue
                try:
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


def _requests(error: BaseException) -> int:
    return int(error.fields.get("requests", 0)) if isinstance(error, CandlebookError) else 0
