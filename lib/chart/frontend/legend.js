// What the crosshair points at, in words and figures; the last bar while it points at none.

import { compact } from "./pane.js";
import { within } from "./marks.js";
import { icon } from "./toolbar.js";

const make = (tag, name, text = "") => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
};

/** A figure with its decimals, grouped for reading. */
function figure(value, decimals) {
  if (!(value === value) || value === undefined) return "–";
  if (Math.abs(value) >= 1e7) return compact(value);
  return value.toLocaleString(undefined, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

export class Legend {
  /** `folded()` is told when the reader folds or unfolds the values. */
  constructor(pane, folded) {
    this.pane = pane;
    this.folded = folded;
    this.open = false;
    this.root = make("div", "cb-legend");
    this.root.setAttribute("aria-live", "off");
    pane.host.append(this.root);
    this.rebuild();
  }

  rebuild() {
    this.root.replaceChildren();
    this.row = null;
    this.values = [];
    if (this.pane.isPrice) {
      const head = make("div", "cb-row");
      this.title = make("span", "cb-title");
      this.time = make("span", "cb-time");
      head.append(this.title, this.time);
      const prices = make("div", "cb-row cb-prices");
      this.prices = {};
      for (const name of ["O", "H", "L", "C"]) {
        const item = make("span", "cb-item");
        item.append(make("span", "cb-name", name), (this.prices[name] = make("b")));
        prices.append(item);
      }
      this.change = make("span", "cb-item cb-change");
      this.volume = make("span", "cb-item");
      this.volume.append(make("span", "cb-name", "Vol"), (this.volumeValue = make("b")));
      prices.append(this.change, this.volume);
      this.note = make("div", "cb-note"); // of no height, so that the candles do not move under the pointer
      this.root.append(head, prices, this.note);
    }
    const row = make("div", "cb-row cb-lines");
    if (!this.pane.isPrice) row.append(make("span", "cb-title", this.pane.spec.title));
    const alone = !this.pane.isPrice && this.pane.lines.length === 1;
    let item;
    let group;
    for (const line of this.pane.lines) {
      if (!line.group || line.group !== group) {
        item = make("span", line.group ? "cb-item cb-group" : "cb-item");
        if (line.group) item.append(make("span", "cb-name", line.group));
        row.append(item);
      }
      group = line.group;
      const value = make("b");
      if (!alone) item.append(make("span", group ? "cb-name cb-part" : "cb-name", line.label));
      item.append(value);
      this.values.push({ line, value });
    }
    if (row.childNodes.length) this.#lines(row);
  }

  /** The row of lines. On the price pane it folds into one line where it needs more, and unfolds on a click. */
  #lines(row) {
    this.row = this.pane.isPrice ? row : null;
    this.fitted = 0;
    if (!this.row) {
      this.root.append(row);
      return;
    }
    this.fold = make("button", "cb-button cb-fold");
    this.fold.type = "button";
    this.fold.append(icon("M4 6l4 4 4-4"));
    this.fold.addEventListener("click", () => {
      this.open = !this.open;
      this.fitted = 0;
      this.folded();
    });
    this.box = make("div", "cb-box");
    this.box.append(row, this.fold);
    this.root.append(this.box);
  }

  /** Fold the row of lines where it does not fit; looks only when the width or the lines are others. */
  fit() {
    const width = this.root.clientWidth;
    if (!this.row || !width || width === this.fitted) return;
    this.fitted = width;
    this.box.classList.remove("cb-folded");
    const long = this.row.offsetHeight > 1.5 * parseFloat(getComputedStyle(this.row).lineHeight);
    const label = this.open ? "Fold the values" : "Show all values";
    this.box.classList.toggle("cb-folded", long && !this.open);
    this.box.classList.toggle("cb-open", long && this.open);
    this.fold.hidden = !long;
    this.fold.title = label;
    this.fold.setAttribute("aria-label", label);
    this.fold.setAttribute("aria-expanded", String(this.open));
  }

  /** Show row `i` of `rows`, and `note` on it. */
  show(rows, i, style, calendar, shape, note = "") {
    if (this.note) set(this.note, note);
    const has = i >= 0 && i < rows.length;
    if (this.pane.isPrice) this.#showCandle(rows, has ? i : -1, style, calendar, shape);
    for (const { line, value } of this.values) {
      const at = i - line.shift;
      const held = has && at >= 0 && at < rows.length ? rows.line(line.at)[at] : NaN;
      const decimals = this.pane.isPrice ? (style.precision ?? 2) : line.decimals;
      set(value, figure(held, decimals));
      value.style.color = line.kind === "histogram" && held === held
        ? (held >= 0 ? this.pane.theme.up : this.pane.theme.down)
        : line.tint;
    }
  }

  #showCandle(rows, i, style, calendar, shape) {
    const { theme } = this.pane;
    set(this.title, [style.title, shape.timeframe].filter(Boolean).join(" · "));
    if (i < 0) {
      set(this.time, "no candles");
      for (const name of "OHLC") set(this.prices[name], "–");
      set(this.change, "");
      this.volume.hidden = true;
      return;
    }
    const [time, open, high, low, close, volume] = rows.columns.slice(0, 6).map((column) => column[i]);
    const forming = style.forming && i === rows.length - 1;
    set(this.time, calendar.full(time) + (calendar.zone ? ` ${zoneWord(calendar.zone)}` : "") + (forming ? " · forming" : "") + (within(style.filled, time) ? " · filled, not observed" : ""));
    const color = close >= open ? theme.up : theme.down;
    const decimals = style.precision ?? 2;
    for (const [name, value] of [["O", open], ["H", high], ["L", low], ["C", close]]) {
      set(this.prices[name], figure(value, decimals));
      this.prices[name].style.color = color;
    }
    const before = i > 0 ? rows.columns[4][i - 1] : open;
    const percent = (close / before - 1) * 100;
    set(this.change, Number.isFinite(percent) ? `${percent >= 0 ? "+" : "−"}${Math.abs(percent).toFixed(2)}%` : "");
    this.change.style.color = percent >= 0 ? theme.up : theme.down;
    this.volume.hidden = !(volume >= 0) || style.volume === false;
    if (!this.volume.hidden) set(this.volumeValue, compact(volume));
  }

  /** The text as drawn on a snapshot. */
  lines() {
    return [...this.root.querySelectorAll(".cb-row")].map((row) =>
      [...row.children].filter((item) => !item.hidden).map((item) => ({
        parts: item.childNodes.length > 1 || item.firstElementChild
          ? [...item.childNodes].map((part) => ({ text: part.textContent, color: part.style?.color || "", bold: part.nodeName === "B" }))
          : [{ text: item.textContent, color: item.style.color || "", bold: item.classList.contains("cb-title") }],
      })),
    );
  }
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function zoneWord(zone) {
  return zone === "UTC" ? "UTC" : zone.split("/").pop().replaceAll("_", " ");
}
