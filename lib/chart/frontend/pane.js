// One pane: a chart of the library with its series. The price pane holds candles, volume and overlays; the
// panes under it hold an indicator each, and an unseen line over all times, so that one bar has one index
// in every pane.

import { fade } from "./theme.js";
import { makeScale } from "./scale.js";
import { Marks, within } from "./marks.js";

export const PRICE = "price";
const library = () => window.LightweightCharts;

export function priceFormat(precision) {
  return { type: "price", precision, minMove: Number((10 ** -precision).toFixed(precision)) };
}

/** Decimals for values of this size, where nobody said how many: two, more under 10, none from 100,000. */
export function decimalsFor(value) {
  const size = Math.abs(value);
  if (!(size > 0)) return 2;
  if (size >= 10) return size < 1e5 ? 2 : 0;
  return Math.min(8, 3 - Math.floor(Math.log10(size)));
}

export function compact(value) {
  const size = Math.abs(value);
  for (const [unit, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e4, "K"]]) {
    if (size >= unit) return `${(value / (letter === "K" ? 1e3 : unit)).toFixed(2)}${letter}`;
  }
  return size >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

function formatFor(most) {
  return most >= 1e5 ? { type: "custom", formatter: compact, minMove: 1 } : priceFormat(decimalsFor(most));
}

export class Pane {
  /** `spec`: {id, title, levels}; `host`: an element; `calendar`: () => how times are written. */
  constructor(spec, host, calendar) {
    this.spec = spec;
    this.host = host;
    this.isPrice = spec.id === PRICE;
    this.chart = library().createChartEx(host, makeScale(calendar), {
      autoSize: true,
      handleScroll: { vertTouchDrag: false }, // a finger that moves up or down scrolls the page
      handleScale: { axisPressedMouseMove: { time: true, price: true } },
      kineticScroll: { mouse: false, touch: true },
      rightPriceScale: { scaleMargins: this.isPrice ? { top: 0.14, bottom: 0.08 } : { top: 0.16, bottom: 0.08 } },
      timeScale: { rightOffset: 4, barSpacing: 8, minBarSpacing: 0.05, fixLeftEdge: false },
      crosshair: { mode: 0 },
    });
    this.lines = [];
    this.levels = [];
    if (this.isPrice) {
      this.volume = this.chart.addHistogramSeries({
        priceScaleId: "", priceLineVisible: false, lastValueVisible: false, priceFormat: { type: "volume" },
      });
      this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
      this.candles = this.chart.addCandlestickSeries({ borderVisible: true });
      this.marks = new Marks();
      this.candles.attachPrimitive(this.marks);
      this.anchor = this.candles;
    } else {
      // on the scale of the lines, so that the crosshair has a value to stand on where they have none
      this.anchor = this.chart.addLineSeries({
        priceScaleId: "right", visible: false, lastValueVisible: false, priceLineVisible: false,
        crosshairMarkerVisible: false, autoscaleInfoProvider: () => null,
      });
    }
  }

  /** Put up the lines `specs` ({at, id, label, kind, shift, color}), taking down other ones from before. */
  setLines(specs) {
    const wanted = JSON.stringify([specs, this.spec.levels]);
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    for (const line of this.lines) this.chart.removeSeries(line.series);
    this.lines = specs.map((spec) => ({ ...spec, series: this.#addLine(spec), decimals: 2 }));
    if (!this.isPrice && this.lines.length) this.#setLevels();
  }

  #addLine(spec) {
    const plain = {
      priceLineVisible: false, lastValueVisible: !this.isPrice, crosshairMarkerRadius: 3,
      priceScaleId: "right", autoscaleInfoProvider: (usual) => this.#room(usual),
    };
    if (spec.kind === "histogram") return this.chart.addHistogramSeries({ ...plain, base: 0 });
    if (spec.kind === "dots") {
      return this.chart.addLineSeries({
        ...plain, lineVisible: false, pointMarkersVisible: true, pointMarkersRadius: 1.6, lastValueVisible: false,
      });
    }
    return this.chart.addLineSeries({ ...plain, lineWidth: 1.5 });
  }

  /** A pane with levels always shows them; overlays do not squeeze the candles by more than half. */
  #room(usual) {
    const info = usual();
    if (!info?.priceRange || !this.spec.levels?.length) return info;
    const { minValue, maxValue } = info.priceRange;
    return {
      ...info,
      priceRange: { minValue: Math.min(minValue, ...this.spec.levels), maxValue: Math.max(maxValue, ...this.spec.levels) },
    };
  }

  #setLevels() {
    this.levels = (this.spec.levels ?? []).map((price) =>
      this.lines[0].series.createPriceLine({ price, lineWidth: 1, lineStyle: 2, axisLabelVisible: false, color: "#888" }),
    );
  }

  paint(theme, style, bottom) {
    this.theme = theme;
    const { chart } = this;
    chart.applyOptions({
      layout: { background: { type: "solid", color: theme.background }, textColor: theme.muted, fontFamily: theme.font, fontSize: 11 },
      grid: { vertLines: { color: theme.grid }, horzLines: { color: theme.grid } },
      rightPriceScale: { borderColor: theme.edge, mode: this.isPrice && style.log ? 1 : 0 },
      crosshair: {
        vertLine: { color: theme.cross, width: 1, style: 3, labelBackgroundColor: theme.tag, labelVisible: bottom },
        horzLine: { color: theme.cross, width: 1, style: 3, labelBackgroundColor: theme.tag },
      },
      timeScale: { visible: bottom, borderColor: theme.edge, shiftVisibleRangeOnNewBar: Boolean(style.follow) },
    });
    for (const line of this.lines) {
      line.tint = theme.line(line.color);
      line.series.applyOptions({ color: line.tint });
    }
    for (const level of this.levels) level.applyOptions({ color: fade(theme.text, 0.3) });
    if (this.isPrice) {
      this.candles.applyOptions({
        upColor: theme.up, borderUpColor: theme.up, wickUpColor: theme.up,
        downColor: theme.falling, borderDownColor: theme.falling, wickDownColor: theme.falling,
        priceFormat: this.#prices(style.precision ?? 2), priceLineStyle: 1,
      });
      this.volume.applyOptions({ visible: style.volume !== false });
      for (const line of this.lines) line.series.applyOptions({ priceFormat: this.#prices(style.precision ?? 2) });
    }
  }

  /** Prices that are never below zero get no label there, where the scale has room for one. */
  #prices(precision) {
    const { minMove } = priceFormat(precision);
    const formatter = (value) =>
      value < -minMove / 2 && !this.negative ? "" : value.toFixed(precision).replace("-", "−");
    return { type: "custom", minMove, formatter };
  }

  /** All rows anew. */
  setAll(rows, style) {
    const n = rows.length;
    this.negative = rows.columns[3].some((low) => low < 0);
    const each = (make) => Array.from({ length: n }, (_, i) => make(i));
    if (this.isPrice) {
      this.candles.setData(each((i) => this.#candle(rows, i, style)));
      this.volume.setData(each((i) => this.#volume(rows, i)));
    } else {
      this.anchor.setData(each((i) => ({ time: rows.times[i], value: 0 })));
    }
    for (const line of this.lines) this.#setLine(line, rows);
  }

  #setLine(line, rows) {
    const points = [];
    const values = rows.line(line.at);
    const { shift } = line;
    for (let i = Math.max(0, -shift); i < rows.length && i + shift < rows.length; i++) {
      points.push(this.#point(line, rows, values, i));
    }
    if (!this.isPrice) this.#adapt(line, values);
    line.series.setData(points);
  }

  /** Rows from `from` on are new or changed, and `from` is at the last row held before or after it. */
  update(rows, from, style) {
    for (let i = from; i < rows.length; i++) {
      if (this.isPrice) {
        if (rows.columns[3][i] < 0) this.negative = true;
        this.candles.update(this.#candle(rows, i, style));
        this.volume.update(this.#volume(rows, i));
      } else {
        this.anchor.update({ time: rows.times[i], value: 0 });
      }
    }
    for (const line of this.lines) {
      if (line.shift > 0) {
        this.#setLine(line, rows);
        continue;
      }
      const values = rows.line(line.at);
      for (let i = Math.max(from, -line.shift); i < rows.length; i++) {
        line.series.update(this.#point(line, rows, values, i));
      }
    }
  }

  #candle(rows, i, style) {
    const [time, open, high, low, close] = [0, 1, 2, 3, 4].map((at) => rows.columns[at][i]);
    const candle = { time, open, high, low, close };
    if (within(style.filled, time)) {
      // not observed: hollow, and in neither colour
      const color = fade(this.theme.text, 0.5);
      Object.assign(candle, { color: fade(this.theme.text, 0.06), borderColor: color, wickColor: color });
    } else if (style.forming && i === rows.length - 1) {
      const color = close >= open ? this.theme.up : this.theme.falling;
      Object.assign(candle, { color: fade(color, 0.28), borderColor: color, wickColor: color });
    }
    return candle;
  }

  #volume(rows, i) {
    const time = rows.times[i];
    const value = rows.columns[5][i];
    if (!(value >= 0)) return { time };
    const rising = rows.columns[4][i] >= rows.columns[1][i];
    return { time, value, color: fade(rising ? this.theme.up : this.theme.down, this.theme.dark ? 0.36 : 0.32) };
  }

  #point(line, rows, values, i) {
    const time = rows.times[i + line.shift];
    const value = values[i];
    if (value !== value) return { time };
    if (line.kind !== "histogram") return { time, value };
    const growing = !(Math.abs(value) < Math.abs(values[i - 1] ?? 0));
    return { time, value, color: fade(value >= 0 ? this.theme.up : this.theme.down, growing ? 0.85 : 0.42) };
  }

  #adapt(line, values) {
    let most = 0;
    for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
    line.most = most;
    line.decimals = most >= 1e5 ? 0 : decimalsFor(most);
    line.series.applyOptions({ priceFormat: formatFor(most) });
    // the library writes the scale as its first series does, and that is the unseen one
    this.anchor.applyOptions({ priceFormat: formatFor(Math.max(...this.lines.map((one) => one.most ?? 0))) });
  }

  /** Keep the candles clear of the legend, `height` pixels of it, as far as that leaves them half the pane. */
  clear(height) {
    const room = this.host.clientHeight;
    if (!room) return;
    const top = Math.min(0.4, Math.round(((height + 14) / room) * 50) / 50);
    if (top === this.top) return;
    this.top = top;
    this.chart.applyOptions({ rightPriceScale: { scaleMargins: { top, bottom: 0.08 } } });
  }

  setMarkers(markers, rows) {
    const { theme } = this;
    const shapes = {
      flag: { position: "aboveBar", shape: "square", color: fade(theme.text, 0.55), size: 0.6 },
      buy: { position: "belowBar", shape: "arrowUp", color: theme.up },
      sell: { position: "aboveBar", shape: "arrowDown", color: theme.down },
    };
    const first = rows.times[0];
    this.candles.setMarkers(
      markers.filter(([time]) => time >= first)
        .map(([time, text, kind]) => ({ time, text, ...(shapes[kind] ?? shapes.flag) }))
        .sort((a, b) => a.time - b.time),
    );
  }

  remove() {
    this.chart.remove();
    this.host.remove();
  }
}
