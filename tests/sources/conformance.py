"""What every source keeps to. A source's test inherits :class:`SourceConformance`, and one that asks a
provider :class:`FaultConformance` as well, and overrides the fixtures; nothing else."""

from __future__ import annotations

import logging
import threading
import traceback
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lib.candles import COLUMNS, micros, require
from lib.errors import CandlebookError, InputError, UnknownName
from lib.series import Series
from lib.sources import registry
from lib.sources.base import Page, Source
from lib.sources.limits import budgets
from lib.store import Store, open_store
from lib.sync import download
from lib.timeframes import Timeframe, parse
from tests.servers.faults import KINDS, PASSING, REFUSALS, Fault
from tests.servers.provider import Provider
from tests.sources.clock import FakeClock

# Kinds of faults tried in one sync.
TOGETHER = 4


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
        assert source.docs.startswith("https://") or not source.docs
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


class FaultConformance:
    """A sync of some twenty pages, with each fault on two of them, into a real store: what is stored
    equals the truth, and no request is above a limit. ``SECRET`` is the key where there is one."""

    SECRET = ""
    # Pages of a sync, and of how many candles each.
    PAGES, PAGE = 20, 60
    # The same where the limit is tried out.
    LIMIT_PAGE = 20
    # Faults that this protocol cannot have, with the reason.
    CANNOT: dict[str, str] = {}

    @pytest.fixture
    def provider(self) -> Provider:
        raise NotImplementedError

    @pytest.fixture
    def source(self) -> Source:
        raise NotImplementedError

    @pytest.fixture
    def symbol(self) -> str:
        raise NotImplementedError

    @pytest.fixture
    def seconds(self, request: pytest.FixtureRequest) -> float:
        """Of real time, for an answer: few where one is to come too late, else more than a busy machine takes."""
        first = request.node.callspec.params.get("first") if hasattr(request.node, "callspec") else None
        return 0.8 if first is not None and "slow" in PASSING[first : first + TOGETHER] else 30.0

    @pytest.fixture
    def span(self) -> tuple[str, str]:
        """Twenty pages of minutes, from a Tuesday on."""
        start = pd.Timestamp("2024-02-20 11:11:11")
        return str(start), str(start + pd.Timedelta(minutes=self.PAGES * self.PAGE))

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return open_store(str(tmp_path / "store"))

    def _sync(self, store: Store, source: Source, symbol: str, span: tuple[str, str]) -> None:
        if hasattr(source, "page"):
            source.page = self.PAGE
        start, end = (pd.Timestamp(text, tz="UTC") for text in span)
        download(store, source, symbol, "1m", start, end)

    def _stored(self, store: Store, source: Source, symbol: str) -> pd.DataFrame:
        return store.read(Series(source.name, symbol, parse("1m")))[COLUMNS]

    def _same(self, got: pd.DataFrame, truth: pd.DataFrame) -> None:
        pd.testing.assert_frame_equal(got, truth[COLUMNS], check_freq=False, check_exact=True)

    @pytest.mark.parametrize("first", range(0, len(PASSING), TOGETHER))
    def test_faults_that_pass(
        self, provider: Provider, source: Source, symbol: str, span: tuple[str, str], store: Store, first: int
    ) -> None:
        """Four kinds to a sync, each on two pages; the order changes from one to the next."""
        kinds = [kind for kind in PASSING[first : first + TOGETHER] if kind not in self.CANNOT]
        places = [*zip(range(2, 20, 2), kinds, strict=False), *zip(range(11, 30, 2), kinds, strict=False)]
        provider.faults = {at: Fault(kind) for at, kind in places if kind != "slow" or at < 11}
        self._sync(store, source, symbol, span)
        self._same(self._stored(store, source, symbol), provider.truth(symbol, "1m", *span))
        assert provider.over == 0
        assert provider.asked >= max(provider.faults), "not every fault was met"
        assert self.PAGES - 1 <= provider.asked <= self.PAGES + 2 * len(places) + 2

    def test_a_refusal_ends_it_and_the_next_sync_completes(
        self, provider: Provider, source: Source, symbol: str, span: tuple[str, str], store: Store,
        clock: FakeClock,
    ) -> None:  # fmt: skip
        truth = provider.truth(symbol, "1m", *span)
        places = dict(zip(range(3, 20, 3), REFUSALS, strict=False))
        assert len(places) == len(REFUSALS)
        provider.faults = {at: Fault(kind) for at, kind in places.items()}
        for number, kind in places.items():
            with pytest.raises(CandlebookError) as caught:
                self._sync(store, source, symbol, span)
            assert provider.asked == number  # it is not asked again
            assert type(caught.value).__name__ in REFUSALS[kind], repr(caught.value)
            stored = self._stored(store, source, symbol)
            self._same(stored, truth.loc[stored.index])
            assert len(stored) > 0
            clock.now += 3600  # a ban ends
        self._sync(store, source, symbol, span)
        self._same(self._stored(store, source, symbol), truth)
        assert provider.over == 0
        assert provider.asked <= self.PAGES + 2 * len(places)

    def test_a_row_that_cannot_be_is_left_out_and_told(
        self, provider: Provider, source: Source, symbol: str, span: tuple[str, str], store: Store
    ) -> None:
        truth = provider.truth(symbol, "1m", *span)
        places = [self.PAGE // 2, self.PAGE * 3 - 1, self.PAGE * 5, len(truth) - 1]
        provider.broken = set(micros(truth)[places].tolist())
        start, end = (pd.Timestamp(text, tz="UTC") for text in span)
        source.page = self.PAGE  # type: ignore[attr-defined]
        pages = list(source.pages(symbol, parse("1m"), start, end))
        kept = np.ones(len(truth), bool)
        kept[places] = False
        self._same(pd.concat([page.table for page in pages]), truth[kept])
        told = " ".join(sentence for page in pages for sentence in page.refused)
        for place in places:
            assert f"{truth.index[place]:%Y-%m-%d %H:%M:%S}" in told
        assert provider.over == 0

    def test_the_key_is_seen_in_its_header_only(
        self, provider: Provider, source: Source, symbol: str, span: tuple[str, str], store: Store,
        clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    ) -> None:  # fmt: skip
        if not self.SECRET:
            assert provider.key is None
            return
        assert provider.key is not None
        caplog.set_level(logging.DEBUG)
        shown = []
        source.page = self.PAGE  # type: ignore[attr-defined]
        start = pd.Timestamp(span[0], tz="UTC")
        for kind in KINDS:
            if kind == "slow":  # takes real time, and ends as "closed" does
                continue
            first = provider.asked + 2
            provider.faults = {number: Fault(kind) for number in range(first, first + 12)}
            try:
                for _ in source.pages(
                    symbol, parse("1m"), start, start + pd.Timedelta(minutes=self.PAGE * 3)
                ):
                    pass
            except CandlebookError as error:
                shown.append("".join(traceback.format_exception(error)) + repr(error) + repr(error.fields))
                link: BaseException | None = error
                while link is not None:
                    shown.append(repr(vars(link)))
                    link = link.__cause__ or link.__context__
            clock.now += 4000
        provider.faults = {}
        self._sync(store, source, symbol, (span[0], span[1]))
        assert len(shown) > 10
        assert all(self.SECRET in one.headers.get(provider.key[0].lower(), "") for one in provider.log)
        wire = "".join(
            one.target
            + str(one.body)
            + str({k: v for k, v in one.headers.items() if k != provider.key[0].lower()})
            for one in provider.log
        )
        kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert self.SECRET not in wire
        assert self.SECRET not in "".join(shown)
        assert self.SECRET not in caplog.text
        assert self.SECRET.encode() not in kept
        assert len(kept) > 1000
        assert "127.0.0.1" in caplog.text  # something was logged at all

    def test_without_its_key_it_says_which_setting(
        self, source: Source, symbol: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entry = next(entry for entry in registry.entries() if entry.name == source.name)
        for setting in entry.settings:
            monkeypatch.delenv(setting, raising=False)
        bare = registry.get(source.name)
        assert bool(entry.settings) == bool(self.SECRET)
        if not entry.settings:
            assert not registry.lacking(source.name) or entry.packages
            return
        for call in (lambda: bare.recent(symbol, parse("1m"), 5), bare.symbols):
            with pytest.raises(InputError, match=r"The setting \w+ is missing\. \w+") as caught:
                call()
            assert caught.value.fields["setting"] in entry.settings
        assert all(setting in registry.lacking(source.name) for setting in entry.settings)

    def test_the_limit_is_nearly_used_and_never_passed(
        self, provider: Provider, source: Source, symbol: str, clock: FakeClock
    ) -> None:
        """By the virtual clock, over several windows of the provider's limit: what is asked is within a
        tenth of what the provider allows, and nothing above it."""
        most, seconds = provider.limits[0]
        windows = max(2, min(15, 360 // most))
        source.page = self.LIMIT_PAGE  # type: ignore[attr-defined]
        source.ahead = 1  # type: ignore[attr-defined]  # waits at once would each move this clock
        began, enough = clock.now, windows * seconds
        start = pd.Timestamp("2023-11-07 11:11:11", tz="UTC")
        for _ in source.pages(symbol, parse("1m"), start, None):
            if clock.now - began >= enough:
                break
        spent = sum(provider.weight(one) for one in provider.log if one.at < began + enough)
        assert provider.over == 0
        assert 0.9 * most * windows <= spent <= most * (windows + 1), f"{spent} of {most * windows}"
        first = budgets()[source.name].limits[0]
        assert first.limit == most
        assert 0 < first.used <= most
        assert first.left == most - first.used
        assert first.resets_in <= seconds + 1

    def test_an_unknown_symbol_brings_the_nearest(self, source: Source, symbol: str) -> None:
        with pytest.raises(UnknownName, match="Did you mean") as caught:
            source.recent(symbol[:-1], parse("1m"), 5)
        assert symbol in str(caught.value)

    def test_its_symbols_are_searched(
        self, provider: Provider, source: Source, symbol: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(registry, "get", lambda name: source)
        found = registry.search(source.name, symbol[:3].lower(), limit=3)
        assert symbol in found
        assert len(found) <= 3
        asked = len(provider.log)
        assert registry.search(source.name, symbol)[0] == symbol
        assert registry.search(source.name, "no such thing at all") == ()
        assert len(provider.log) == asked  # the list is kept
