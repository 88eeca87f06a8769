// Where the reader looks: the ways to move the range of bars in sight.

import { placeOf } from "./data.js";

const BAR_WIDTH = 8; // pixels, where nobody has zoomed

export class View {
  /** `rows`: what is held; `width()`: of the price pane, in pixels. */
  constructor(sync, rows, width) {
    this.sync = sync;
    this.rows = rows;
    this.width = width;
  }

  fit() {
    this.sync.show({ from: -1, to: this.rows.length + 2 });
  }

  /** The newest candle at the right; `anew` with bars of the usual width, else as wide as now. */
  toLatest(anew = false) {
    const range = anew ? null : this.sync.range();
    const n = this.rows.length;
    const bars = range ? range.to - range.from : Math.max(40, Math.min((this.width() || 800) / BAR_WIDTH, n + 6));
    const room = Math.min(5, bars * 0.06);
    this.sync.show({ from: n - 1 + room - bars, to: n - 1 + room });
  }

  /** From the time `start` to the time `end`. */
  toTimes([start, end]) {
    const from = placeOf(this.rows.times, start);
    const to = placeOf(this.rows.times, end);
    const room = Math.max(1, (to - from) * 0.03);
    this.sync.show({ from: from - room, to: Math.max(to, from + 5) - 1 + room });
  }

  toFirst() {
    const range = this.sync.range();
    if (range) this.sync.show({ from: -2, to: range.to - range.from - 2 });
  }

  scroll(part) {
    const range = this.sync.range();
    if (!range) return;
    const width = range.to - range.from;
    const by = Math.max(-range.to + 2, Math.min(width * part, this.rows.length - 2 - range.from));
    this.sync.show({ from: range.from + by, to: range.to + by });
  }

  zoom(factor) {
    const range = this.sync.range();
    if (!range) return;
    const width = range.to - range.from;
    const wide = Math.max(8, Math.min(width * factor, this.rows.length * 1.5 + 20));
    const last = this.rows.length - 1;
    // the newest candle, while in sight, stays where it is; else the middle does
    const hold = range.to >= last && range.from < last ? last : (range.from + range.to) / 2;
    const share = (hold - range.from) / width;
    this.sync.show({ from: hold - wide * share, to: hold + wide * (1 - share) });
  }
}
