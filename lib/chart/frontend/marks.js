// Breaks in the data: where candles are missing, the library draws the next one right beside the last. A
// thin dashed line between the two says that time is missing there.

import { placeOf } from "./data.js";

/** Whether `time` lies in one of the [start, end) `spans`, which ascend and do not meet. */
export function within(spans, time) {
  let low = 0;
  let high = spans?.length ?? 0;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (spans[mid][1] <= time) low = mid + 1;
    else high = mid;
  }
  return low < (spans?.length ?? 0) && spans[low][0] <= time;
}

export class Marks {
  #chart;
  #update;
  #places = [];
  #notes = new Map(); // by place, of the break before it
  #color = "#888";

  attached({ chart, requestUpdate }) {
    this.#chart = chart;
    this.#update = requestUpdate;
  }

  detached() {
    this.#chart = null;
  }

  /** `gaps`: [start, end) times and what is said of them; drawn before the first candle at or after the end. */
  set(gaps, rows, color) {
    this.#color = color;
    this.#notes.clear();
    for (const [, end, note] of gaps) {
      const place = placeOf(rows.times, end);
      if (place <= 0 || place >= rows.length) continue;
      const held = this.#notes.get(place);
      this.#notes.set(place, [held, note ?? (held ? "" : "candles missing")].filter(Boolean).join("; "));
    }
    this.#places = [...this.#notes.keys()];
    this.#update?.();
  }

  /** What is said of the break before or after the candle at `place`; empty where there is none. */
  note(place) {
    const [before, after] = [this.#notes.get(place), this.#notes.get(place + 1)];
    return [before && `before it ${before}`, after && `after it ${after}`].filter(Boolean).join("; ");
  }

  updateAllViews() {}

  paneViews() {
    return [{ zOrder: () => "bottom", renderer: () => ({ draw: (target) => this.#draw(target) }) }];
  }

  #draw(target) {
    const scale = this.#chart?.timeScale();
    if (!scale || !this.#places.length) return;
    target.useBitmapCoordinateSpace(({ context, bitmapSize, horizontalPixelRatio: ratio }) => {
      context.save();
      context.strokeStyle = this.#color;
      context.lineWidth = Math.max(1, Math.floor(ratio));
      context.setLineDash([2 * ratio, 4 * ratio]);
      for (const place of this.#places) {
        const left = scale.logicalToCoordinate(place - 1);
        const right = scale.logicalToCoordinate(place);
        if (left === null || right === null) continue;
        const x = Math.round(((left + right) / 2) * ratio) + 0.5;
        context.beginPath();
        context.moveTo(x, 0);
        context.lineTo(x, bitmapSize.height);
        context.stroke();
      }
      context.restore();
    });
  }
}
