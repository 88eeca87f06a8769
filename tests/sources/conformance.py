"""What every source keeps to. A source's test inherits :class:`SourceConformance` and overrides the
fixtures; nothing else."""

from __future__ import annotations

import threading

import pandas as pd
import pytest

from lib.candles import require
from lib.errors import UnknownName
from lib.sources import registry
from lib.sources.base import Page, Source
from lib.timeframes import Timeframe, parse


class SourceConformance:
    """``start`` and ``end`` bound some thousands of closed candles of ``symbol`` at ``timeframe``,
    neither of them on the grid; ``now`` is the source's own time."""

    @pytest.fixture
    def source(self) -> Source:
        raise NotImplementedError

    @pytest.fixture
    def symbol(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def timeframe(self) -> Timeframe:
        return parse("1m")

    @pytest.fixture
    def start(self) -> pd.Timestamp:
        return pd.Timestamp("2024-02-20 11:11:11", tz="UTC")

    @pytest.fixture
    def end(self) -> pd.Timestamp:
        return pd.Timestamp("2024-02-23 05:05:05", tz="UTC")

    @pytest.fixture
    def now(self) -> pd.Timestamp:
        return pd.Timestamp.now(tz="UTC")

    @pytest.fixture
    def pages(
        self, source: Source, symbol: str, timeframe: Timeframe, start: pd.Timestamp, end: pd.Timestamp
    ) -> list[Page]:
        return list(source.pages(symbol, timeframe, start, end))

    def test_is_a_source(self, source: Source) -> None:
        assert isinstance(source, Source)
        assert source.name in registry.names()
        assert type(registry.get(source.name)) is type(source)
        assert source.docs.startswith("https://")
        assert source.timeframes == tuple(sorted(source.timeframes, key=lambda one: one.seconds))

    def test_pages_are_candle_tables_within_the_range(
        self, pages: list[Page], start: pd.Timestamp, end: pd.Timestamp
    ) -> None:
        assert sum(len(page.table) for page in pages) > 1000
        for page in pages:
            require(page.table)
            assert (page.table.index >= start).all()
            assert (page.table.index < end).all()
            assert page.requests >= 0

    def test_pages_ascend_and_say_how_far_they_are(self, pages: list[Page], end: pd.Timestamp) -> None:
        assert pd.concat([page.table for page in pages]).index.is_monotonic_increasing
        assert pd.concat([page.table for page in pages]).index.is_unique
        untils = [page.until for page in pages]
        assert untils == sorted(untils)
        assert untils[-1] == end
        for page, after in zip(pages, pages[1:], strict=False):
            assert (page.table.index < page.until).all()
            assert (after.table.index >= page.until).all()

    def test_a_part_is_the_part_of_the_whole(
        self, source: Source, symbol: str, timeframe: Timeframe, pages: list[Page]
    ) -> None:
        whole = pd.concat([page.table for page in pages])
        low, high = whole.index[333], whole.index[777]
        part = pd.concat([page.table for page in source.pages(symbol, timeframe, low, high)])
        pd.testing.assert_frame_equal(part, whole.iloc[333:777], check_freq=False, check_exact=True)

    def test_stops_when_told(
        self, source: Source, symbol: str, timeframe: Timeframe, start: pd.Timestamp
    ) -> None:
        stop = threading.Event()
        walk = source.pages(symbol, timeframe, start, None, stop=stop)
        next(walk)
        stop.set()
        assert list(walk) == []

    def test_the_forming_candle_is_no_page(
        self, source: Source, symbol: str, timeframe: Timeframe, now: pd.Timestamp
    ) -> None:
        start = timeframe.after(timeframe.floor(now), -50)
        table = pd.concat([page.table for page in source.pages(symbol, timeframe, start, None)])
        assert 49 <= len(table) <= 51
        assert timeframe.after(table.index[-1]) <= now + pd.Timedelta(seconds=5)

    def test_recent_ends_with_the_forming_candle(
        self, source: Source, symbol: str, timeframe: Timeframe, now: pd.Timestamp
    ) -> None:
        recent = source.recent(symbol, timeframe, 1234)
        require(recent.closed)
        require(recent.forming)
        assert len(recent.closed) == 1234
        assert recent.closed.index[-1] >= timeframe.after(timeframe.floor(now), -2)
        assert len(recent.forming) <= 1
        for at in recent.forming.index:
            assert at == timeframe.after(recent.closed.index[-1])

    def test_recent_and_pages_agree(self, source: Source, symbol: str, timeframe: Timeframe) -> None:
        recent = source.recent(symbol, timeframe, 40).closed
        last = timeframe.after(recent.index[-1])
        table = pd.concat([page.table for page in source.pages(symbol, timeframe, recent.index[0], last)])
        pd.testing.assert_frame_equal(table, recent, check_freq=False, check_exact=True)

    def test_lists_its_symbols(self, source: Source, symbol: str) -> None:
        listed = source.symbols()
        assert symbol in listed
        assert list(listed) == sorted(listed)

    def test_an_unknown_symbol_is_named(self, source: Source, timeframe: Timeframe) -> None:
        with pytest.raises(UnknownName, match="NOSUCHTHING"):
            list(source.pages("NOSUCHTHING", timeframe, None, None))
        with pytest.raises(UnknownName, match="NOSUCHTHING"):
            source.recent("NOSUCHTHING", timeframe, 5)

    def test_a_timeframe_it_has_not_is_named(self, source: Source, symbol: str) -> None:
        with pytest.raises(UnknownName, match="7 minutes"):
            source.recent(symbol, parse("7m"), 5)
        with pytest.raises(UnknownName, match="7 minutes"):
            list(source.pages(symbol, parse("7m"), None, None))
