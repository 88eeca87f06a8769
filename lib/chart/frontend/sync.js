// Keeps the panes in step: one time range, one crosshair, one width of the price scales.

export class Sync {
  /** `onRange(range)` and `onCross(index or null)` are told once for all panes. */
  constructor({ onRange, onCross, placeAt }) {
    this.panes = [];
    this.busy = false;
    this.active = null;
    this.onRange = onRange;
    this.onCross = onCross;
    this.placeAt = placeAt;
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

  get main() {
    return this.panes[0];
  }

  range() {
    return this.main?.chart.timeScale().getVisibleLogicalRange() ?? null;
  }

  /** Show these bars in every pane. */
  show(range) {
    if (!range || !Number.isFinite(range.from) || !(range.to > range.from)) return;
    this.quietly(() => {
      for (const pane of this.panes) pane.chart.timeScale().setVisibleLogicalRange(range);
    });
    this.onRange(this.range());
  }

  /** Change data without the panes pulling at each other; then all follow the first. */
  quietly(work) {
    if (this.busy) return work();
    this.busy = true;
    try {
      return work();
    } finally {
      this.busy = false;
    }
  }

  align() {
    const range = this.range();
    if (range) {
      this.quietly(() => {
        for (const pane of this.panes.slice(1)) pane.chart.timeScale().setVisibleLogicalRange(range);
      });
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
    if (this.busy || !range) return;
    this.quietly(() => {
      for (const other of this.panes) {
        if (other !== pane) other.chart.timeScale().setVisibleLogicalRange(range);
      }
    });
    this.onRange(range);
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
    if (this.active !== pane) return;
    if (param.time === undefined || param.logical === undefined) {
      this.#clear(pane);
      return;
    }
    for (const other of this.panes) {
      if (other !== pane) other.chart.setCrosshairPosition(0, param.time, other.anchor);
    }
    this.onCross(this.placeAt(param.time));
  }

  #clear(except) {
    for (const other of this.panes) if (other !== except) other.chart.clearCrosshairPosition();
    this.onCross(null);
  }
}
