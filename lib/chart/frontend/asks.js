// What the chart tells the page: candles it lacks, the range the reader looks at.

const NEAR = 60; // bars, or half a screen, off an edge at which those beyond it are asked for
const ASK_AGAIN = 10_000; // ms after which an unanswered request may be made again
const VISIBLE_QUIET = 300;

export class Asks {
  /** `rows`: what is held; `send(event, value)` reaches the page. */
  constructor(rows, send) {
    this.rows = rows;
    this.send = send;
    this.clear();
    this.timers = {};
  }

  /** Another picture: nothing was asked for it, nothing told. */
  clear() {
    this.asked = {}; // for which time, and when, by event
    this.wanted = 0;
    this.seen = "";
  }

  stop() {
    Object.values(this.timers).forEach(clearTimeout);
  }

  /** The view is here, perhaps near an edge beyond which there is more. */
  near(range, style) {
    const last = this.rows.length - 1;
    const near = Math.max(NEAR, (range.to - range.from) / 2);
    if (style.older && range.from <= near) this.#beyond("older_before", this.rows.times[0]);
    if (style.newer && range.to >= last - near) this.#beyond("newer_after", this.rows.times[last]);
  }

  #beyond(event, time) {
    const asked = this.asked[event];
    if (asked?.time === time && Date.now() - asked.at < ASK_AGAIN) return;
    this.asked[event] = { time, at: Date.now() };
    this.#later(event, 80, () => this.send(event, time));
  }

  #later(name, wait, work) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(work, wait);
  }

  /** The reader wants the newest candles, which are not here. */
  latest() {
    this.wanted = Date.now();
    this.send("latest", true);
  }

  /** Whether the newest candles were asked for and have come; true once. */
  arrived(style) {
    if (!this.wanted || style.newer) return false;
    const late = Date.now() - this.wanted > ASK_AGAIN;
    this.wanted = 0;
    return !late;
  }

  /** Tell what is in sight, once the view rests. */
  visible(rangeNow) {
    this.#later("visible", VISIBLE_QUIET, () => {
      const range = rangeNow();
      const { times, length } = this.rows;
      if (!range || !length) return;
      const within = (i) => Math.max(0, Math.min(length - 1, i));
      const from = within(Math.ceil(range.from));
      const visible = [times[from], times[Math.max(from, within(Math.floor(range.to)))]];
      if (String(visible) === this.seen) return;
      this.seen = String(visible);
      this.send("visible", visible);
    });
  }
}
