// What the chart tells the page: candles it lacks, or all of them, and the range the reader looks at.

const NEAR = 60; // bars, or half a screen, off an edge at which those beyond it are asked for
const ASK_AGAIN = 10_000; // ms after which an unanswered request may be made again
const VISIBLE_QUIET = 300;
const WHOLE_AGAIN = 1_500; // ms after which the whole picture may be asked for again, doubled each time

export class Asks {
  /** `rows`: what is held; `send(event, value)` reaches the page. */
  constructor(rows, send) {
    this.rows = rows;
    this.send = send;
    this.clear();
    this.timers = {};
    this.wholeAt = 0;
    this.wholes = 0; // asked for since the last update that came in order
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

  /** What is held cannot be gone on with: everything anew. Not again before an answer had time to come, and
   * less and less often while none helps; what comes too soon is asked for later, as nothing else may come. */
  whole() {
    const wait = this.wholes ? this.wholeAt + WHOLE_AGAIN * 2 ** Math.min(this.wholes, 5) - Date.now() : 0;
    if (wait > 0) this.#later("whole", wait, () => this.whole());
    else {
      this.wholes += 1;
      this.wholeAt = Date.now();
      this.send("need_reset", { rev: this.rows.revision, at: this.wholeAt });
    }
  }

  /** Something has come and was drawn, so nothing is missing; `inOrder`: an update of what is held. */
  came(inOrder) {
    clearTimeout(this.timers.whole);
    if (inOrder) this.wholes = 0;
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
