"""A text in blocks of whole lines, several of them at work at a time, each on a thread of its own.

What holds the memory is what is made of the blocks, and for a while some of them: nothing of a file is
mapped, and a block's own columns go as soon as they are in their place.
"""

from __future__ import annotations

import mmap
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

__all__ = ["BLOCK", "TooLong", "each_block", "one_ahead"]

T = TypeVar("T")
BLOCK = 3 * 2**19  # larger ones are a little faster, and each thread holds two
_AHEAD = 2  # blocks waiting for each thread: fewer, and one that is slow keeps all waiting
_LOOK = 2**12


class TooLong(Exception):
    """A line of more than a block. Never leaves this package."""


def each_block(
    source: Path | bytes | mmap.mmap, start: int, work: Callable[[bytes], T], *, block: int = BLOCK
) -> Iterator[T]:
    """``work`` of every block from byte ``start`` on, in their order.

    Raises what ``work`` raises, and ``TooLong`` for a line that is longer than a block.
    """
    with pa.OSFile(str(source), "rb") if isinstance(source, Path) else nullcontext() as file:
        read = _from_file(file) if file is not None else _from_memory(source)  # type: ignore[arg-type]
        size = file.size() if file is not None else len(source)  # type: ignore[arg-type]
        yield from _in_order(_spans(read, start, size, block), lambda span: work(read(*span)))


def _from_file(file: Any) -> Callable[[int, int], bytes]:
    def read(begin: int, end: int) -> bytes:
        return bytes(file.read_at(end - begin, begin))

    return read


def _from_memory(data: bytes | mmap.mmap) -> Callable[[int, int], bytes]:
    return lambda begin, end: data[begin:end]


def _spans(read: Callable[[int, int], bytes], start: int, size: int, block: int) -> Iterator[tuple[int, int]]:
    while start < size:
        end = min(start + block, size)
        while end < size:
            piece = read(end - 1, min(end + _LOOK, size))
            at = piece.find(b"\n")
            if at >= 0:
                end += at
                break
            end = min(end + len(piece) - 1, size)
            if end - start > 2 * block:
                raise TooLong
        yield start, end
        start = end


def _in_order(pieces: Iterator[tuple[int, int]], work: Callable[[tuple[int, int]], T]) -> Iterator[T]:
    first = list(_taken(pieces, 2))
    if len(first) < 2:
        yield from map(work, first)
        return
    threads = pa.cpu_count()
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for piece in chain(first, pieces):
                waiting.append(pool.submit(work, piece))
                if len(waiting) > _AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


def _taken(pieces: Iterator[tuple[int, int]], most: int) -> Iterator[tuple[int, int]]:
    for _, piece in zip(range(most), pieces, strict=False):
        yield piece


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """The same, while the next one is made on a thread."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item
