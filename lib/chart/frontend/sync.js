// Keeps the panes in step: one time range, one crosshair, one width of the price scales.

export class Sync {
  /** `onRange(range)` and `onCross(time or null)` are told once for all panes. */
  constructor({ onRange, onCross }) {
    this.panes = [];
    this.busy = false;
    this.active = null;
    this.target = null;
    this.onRange = onRange;
    this.onCross = onCross;
  }

  add(pane) {
    this.panes.push(pane);
    pane.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => this.#moved(pane, range));
    pane.chart.subscribeCrosshairMove((param) => this.#crossed(pane, param));
    for (const name of ["pointerenter", "pointerdown"]) {
      pane.host.addEventListener(name, () => this.#enter(pane));
    }
    pane.host.addEventListener("pointerleave", () => this.#enter(null));
  }

  remove(pane) {
    this.panes = this.panes.filter((one) => one !== pane);
    if (this.active === pane) this.active = null;
  }

  /** The pane whose range the others take: the one under the pointer, else the first. Only it is listened
   * to: the library moves a chart a frame after it was told to, and answers of followers would arrive late. */
  get leader() {
    return this.active && this.panes.includes(this.active) ? this.active : this.panes[0];
  }

  get main() {
    return this.panes[0];
  }

  /** The bars in view, or those about to be, as {from, to}; null before there are any. */
  range() {
    return this.target ?? this.leader?.chart.timeScale().getVisibleLogicalRange() ?? null;
  }

  /** Show these bars in every pane. */
  show(range) {
    if (!range || !Number.isFinite(range.from) || !(range.to > range.from)) return;
    this.target = { from: range.from, to: range.to };
    const { target } = this;
    if (!this.main?.host.clientWidth) return; // kept for the time there is one
    this.#follow(range, null);
    // one frame to draw it, and one for the charts that asked for their frame late
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (this.target === target) this.target = null;
    }));
    this.onRange(target);
  }

  /** Change data without the panes pulling at each other. */
  quietly(work) {
    const before = this.busy;
    this.busy = true;
    try {
      return work();
    } finally {
      this.busy = before;
    }
  }

  /** All panes take the leader's range. */
  align() {
    const range = this.range();
    if (range) this.#follow(range, this.target ? null : this.leader);
  }

  #follow(range, except) {
    for (const pane of this.panes) {
      if (pane === except) continue;
      const scale = pane.chart.timeScale();
      const now = scale.getVisibleLogicalRange();
      if (!except || !now || Math.abs(now.from - range.from) > 1e-6 || Math.abs(now.to - range.to) > 1e-6) {
        scale.setVisibleLogicalRange(range);
      }
    }
  }

  /** The widest price scale sets the width of all. Gives it, in pixels. */
  fitScales() {
    const widths = this.panes.map((pane) => pane.chart.priceScale("right").width());
    const most = Math.max(0, ...widths);
    for (const pane of this.panes) {
      if (most > 0 && pane.scaleWidth !== most) {
        pane.scaleWidth = most;
        pane.chart.applyOptions({ rightPriceScale: { minimumWidth: most } });
      }
    }
    return most;
  }

  #moved(pane, range) {
    if (this.busy || !range || pane !== this.leader) return;
    this.#follow(range, pane);
    this.onRange(this.range());
  }

  #enter(pane) {
    if (this.active === pane) return;
    this.active = pane;
    for (const other of this.panes) {
      const mine = pane === null || other === pane;
      other.chart.applyOptions({ crosshair: { horzLine: { visible: mine, labelVisible: mine } } });
    }
    if (pane === null) this.#clear(null);
  }

  #crossed(pane, param) {
    // a pane whose data is being changed may be empty, or hold other times than the rest
    if (this.busy || this.active !== pane) return;
    if (param.time === undefined || param.logical === undefined) {
      this.#clear(pane);
      return;
    }
    for (const other of this.panes) {
      if (other === pane) continue;
      // the library throws where a price scale has nothing to stand on
      if (other.anchor.coordinateToPrice(0) === null) other.chart.clearCrosshairPosition();
      else other.chart.setCrosshairPosition(0, param.time, other.anchor);
    }
    this.onCross(param.time);
  }

  #clear(except) {
    for (const other of this.panes) if (other !== except) other.chart.clearCrosshairPosition();
    this.onCross(null);
  }
}
