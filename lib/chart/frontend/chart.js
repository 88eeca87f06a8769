// The candle chart of one place on a page: made once, then changed by payloads (see lib/chart/payload.py).
//
// Streamlit calls the default export whenever data or theme change, with the same parentElement as long as
// the chart stays on the page; what it returned last is called when the chart is taken down.

import { Asks } from "./asks.js";
import { Rows, placeOf } from "./data.js";
import { isLeft } from "./heading.js";
import { hook, hookOf } from "./hook.js";
import { Legend } from "./legend.js";
import { loadLibrary, styleSheet } from "./load.js";
import { Pane, PRICE } from "./pane.js";
import { download, snapshot } from "./snapshot.js";
import { Sync } from "./sync.js";
import { fade, themeAt } from "./theme.js";
import { makeToolbar, onKey } from "./toolbar.js";
import { View } from "./view.js";
import { calendarOf } from "./zone.js";

const MANY = 100; // new rows that are set all at once, not one by one
const BY_READER = 1_500; // ms after a gesture within which a move of the view is the reader's
const PANE_HEIGHT = 120;

// A timed run of a fragment that comes in the middle of a whole run makes Streamlit take the fragment's
// elements down and put them up again at once. So a chart that was taken down waits a while for its return.
const WAIT_FOR_RETURN = 4_000;

const charts = new WeakMap(); // by parentElement
const waiting = new Map(); // by key, those taken down
const views = new Map(); // by key, where the reader looked when a chart went for good

function element(name, ...children) {
  const made = document.createElement("div");
  made.className = name;
  made.append(...children);
  return made;
}

export default async function draw(component) {
  const root = component.parentElement;
  const { key, library } = component.data;
  let chart = charts.get(root);
  if (!chart) {
    chart = waiting.get(key) ?? new CandleChart(component.data);
    chart.moveTo(root);
    charts.set(root, chart);
    chart.ready = Promise.all([loadLibrary(library), styleSheet(root)]);
  }
  chart.component = component;
  const call = (chart.calls = (chart.calls ?? 0) + 1);
  try {
    await chart.ready;
    if (!chart.gone) chart.receive(component.data);
  } catch (error) {
    chart.fail(error);
    chart.startOver();
  }
  // Streamlit also calls this when newer data came before this call had ended: then the chart stays
  return () => {
    if (call === chart.calls && !(root.host ?? root).isConnected) chart.leave(root);
  };
}

class CandleChart {
  constructor(data) {
    this.key = data.key;
    this.rows = new Rows();
    this.style = {};
    this.shape = { lines: [], panes: [], seconds: 60, timeframe: "" };
    this.panes = [];
    this.legends = [];
    this.calendar = calendarOf(undefined, 60);
    this.calendarKey = "";
    this.gesture = 0;
    this.place = [location.pathname, performance.now()];
    this.asks = new Asks(this.rows, (event, value) => this.#send(event, value));
    this.focused = "";
    this.cross = null;

    this.frame = element("cb");
    this.frame.tabIndex = 0;
    this.frame.setAttribute("role", "group");
    this.frame.setAttribute("aria-label", "Candle chart");
    this.frame.style.height = `${data.setup?.height ?? 460}px`;
    this.error = element("cb-error");
    this.error.setAttribute("role", "alert");
    this.error.hidden = true;
    const actions = {
      fit: () => this.#byReader(() => this.view.fit()),
      picture: () => this.picture(),
      fullscreen: () => this.fullscreen(),
      latest: () => this.#byReader(() => this.#toLatest()),
      first: () => this.#byReader(() => this.view.toFirst()),
      scroll: (part) => this.#byReader(() => this.view.scroll(part)),
      zoom: (factor) => this.#byReader(() => this.view.zoom(factor)),
    };
    const { bar, latest } = makeToolbar(actions);
    this.latest = latest;
    this.credit = document.createElement("a");
    Object.assign(this.credit, {
      className: "cb-credit", href: "https://www.tradingview.com/", target: "_blank", rel: "noopener", textContent: "Charts by TradingView",
    });
    this.keys = { gaps: element("cb-key cb-key-gap", "candles missing"), filled: element("cb-key cb-key-filled", "filled, not observed") };
    for (const each of Object.values(this.keys)) each.hidden = true;
    this.frame.append(bar, latest, element("cb-foot", this.credit, ...Object.values(this.keys)), this.error);
    this.frame.addEventListener("keydown", (event) => onKey(event, actions));
    for (const name of ["wheel", "pointerdown", "touchmove", "dblclick"]) {
      this.frame.addEventListener(name, () => (this.gesture = Date.now()), { passive: true, capture: true });
    }
    this.frame.addEventListener("pointermove", (event) => event.buttons && (this.gesture = Date.now()), { passive: true, capture: true });

    this.sync = new Sync({
      onRange: (range) => this.#ranged(range),
      onCross: (time) => {
        this.cross = time;
        this.#legend();
      },
    });
    this.view = new View(this.sync, this.rows, () => this.panes[0]?.host.clientWidth);
    this.sizes = new ResizeObserver(() => (this.frame.isConnected ? this.#resized() : this.leave(this.root)));
    this.sizes.observe(this.frame);
    hook.charts_created += 1;
    this.number = hook.charts_created;
    hook.charts.set(this.key, hookOf(this));
  }

  #send(event, value) {
    if (!this.gone && !isLeft(...this.place)) this.component.setTriggerValue(event, value);
  }

  // ------------------------------------------------------------------------------------ payloads

  receive(data) {
    const height = `${data.setup?.height ?? 460}px`;
    if (this.frame.style.height !== height) this.frame.style.height = height;
    this.reports = Boolean(data.setup?.visible);
    const fit = this.rows.fits(data);
    if (fit === "missing") this.asks.whole();
    if (fit === "apply") this.#apply(data);
    if (this.rows.revision >= 0) this.#paintIfChanged();
  }

  #apply(data) {
    const range = this.sync.range();
    const before = this.rows.length;
    const times = this.rows.times; // a reset brings other ones
    const style = data.op === "reset" ? data.style : (data.style ?? this.style);
    const restyled = JSON.stringify(style) !== JSON.stringify(this.style);
    const formed = Boolean(style.forming || this.style.forming); // the last one may be drawn as forming
    const change = this.rows.apply(data);
    this.style = style;
    this.received = (this.received ?? 0) + 1;
    let whole;
    this.sync.quietly(() => {
      if (change.all) {
        this.shape = data.shape;
        this.#layout();
      }
      if (change.all || restyled) this.#paint();
      whole = this.#setRows(change, before, formed);
    });
    this.#restoreView({ ...change, whole }, range, before, times);
    if (change.all || restyled || change.prepended || change.truncated) this.#decorate();
    this.error.hidden = true;
    this.asks.came(data.op !== "reset");
    this.sync.align();
    this.#settle();
  }

  #setRows(change, before, formed) {
    const many = this.rows.length - before > MANY;
    const whole = change.all || change.prepended || change.truncated || change.from < before - 1 || many;
    if (whole) {
      for (const pane of this.panes) pane.setAll(this.rows, this.style);
    } else {
      // what was the last candle is perhaps no longer drawn as forming
      const from = Math.min(change.from, formed ? before - 1 : Infinity);
      if (from < this.rows.length) for (const pane of this.panes) pane.update(this.rows, Math.max(0, from), this.style);
    }
    return whole;
  }

  /** Where the reader looks stays where it was; a new picture begins at its focus or its newest candles,
   * and so does one of other times. */
  #restoreView(change, range, before, times) {
    const focus = JSON.stringify(this.style.focus ?? null);
    if ((change.all && !change.same) || !range) {
      this.focused = focus;
      this.asks.clear();
      this.#firstView();
      return;
    }
    if (this.asks.arrived(this.style)) {
      this.focused = focus;
      this.view.toLatest();
      this.#reportSoon();
      return;
    }
    if (focus !== this.focused) {
      this.focused = focus;
      if (this.style.focus) {
        this.view.toTimes(this.style.focus);
        this.#reportSoon();
        return;
      }
    }
    if (change.all) {
      const by = this.style.follow && range.to >= before - 1 ? this.rows.length - before : this.#moved(times, range);
      if (by === null) this.#firstView();
      else this.sync.show({ from: range.from + by, to: range.to + by });
    } else if (change.prepended) {
      this.sync.show({ from: range.from + change.prepended, to: range.to + change.prepended });
    } else if (change.whole) {
      const grown = this.rows.length - before;
      const atEdge = range.to >= before - 1 && this.style.follow;
      const outside = range.from >= this.rows.length - 1;
      const by = atEdge || outside ? grown : 0;
      this.sync.show({ from: range.from + by, to: range.to + by });
    }
  }

  /** By how many bars what was in sight lies elsewhere in rows that came anew; null where it is not there. */
  #moved(times, range) {
    if (!times.length || !this.rows.length) return null;
    const old = Math.max(0, Math.min(times.length - 1, Math.round(range.from)));
    const end = Math.max(old, Math.min(times.length - 1, Math.round(range.to)));
    const held = this.rows.times;
    if (times[end] < held[0] || times[old] > held.at(-1)) return null;
    // the end of what was seen, where its beginning is no longer there
    return times[old] >= held[0] ? placeOf(held, times[old]) - old : placeOf(held, times[end]) - end;
  }

  #firstView() {
    const held = views.get(this.key);
    views.delete(this.key);
    if (held?.identity === this.rows.identity && this.rows.times[0] <= held.first) {
      const by = placeOf(this.rows.times, held.first);
      this.focused = JSON.stringify(this.style.focus ?? null);
      this.sync.show({ from: held.from + by, to: held.to + by });
    } else if (this.style.focus && this.rows.length) this.view.toTimes(this.style.focus);
    else this.view.toLatest(true);
    this.shown = this.frame.clientWidth > 0;
    this.asks.seen = "";
    this.#reportSoon();
  }

  /** After an error what is drawn may not be what is held: ask for all of it. */
  startOver() {
    this.rows.lose();
    this.asks.whole();
  }

  // ------------------------------------------------------------------------------------- drawing

  #layout() {
    const specs = [{ id: PRICE, title: "" }, ...this.shape.panes.map(([id, title, levels]) => ({ id, title, levels }))];
    const ids = specs.map((spec) => spec.id);
    for (const pane of [...this.panes]) {
      if (!ids.includes(pane.spec.id)) {
        this.sync.remove(pane);
        pane.remove();
      }
    }
    const held = new Map(this.panes.filter((pane) => ids.includes(pane.spec.id)).map((pane) => [pane.spec.id, pane]));
    this.panes = specs.map((spec) => held.get(spec.id) ?? this.#newPane(spec));
    this.panes.forEach((pane, at) => {
      pane.spec = specs[at];
      this.frame.append(pane.host); // in order; an element that is there already only moves
      pane.setLines(
        this.shape.lines
          .map(([id, label, home, kind, shift, color, group], place) => ({ at: place, id, label, home, kind, shift, color, group }))
          .filter((line) => line.home === pane.spec.id),
      );
    });
    this.sync.panes = [...this.panes];
    this.legends = this.panes.map((pane) => {
      pane.legend ??= new Legend(pane, () => this.#settle());
      pane.legend.rebuild();
      return pane.legend;
    });
    this.#heights();
  }

  #newPane(spec) {
    const host = element(`cb-pane${spec.id === PRICE ? " cb-main" : ""}`);
    this.frame.append(host);
    const pane = new Pane(spec, host, () => this.calendar);
    pane.theme = this.theme; // until it is painted
    this.sync.add(pane);
    return pane;
  }

  #resized() {
    const width = this.frame.clientWidth;
    this.frame.classList.toggle("cb-narrow", width > 0 && width < 620);
    this.#heights();
    if (width > 0 && this.rows.length) this.#sized();
    this.#settle();
  }

  #heights() {
    const under = this.panes.length - 1;
    const room = this.frame.clientHeight;
    const each = Math.max(64, Math.min(PANE_HEIGHT * (document.fullscreenElement ? 1.4 : 1), (room * 0.6) / Math.max(1, under)));
    this.panes.forEach((pane, at) => {
      if (at) pane.host.style.height = `${Math.round(at === under ? each + 26 : each)}px`;
    });
  }

  /** The frame has a width: perhaps the first one, or again after the chart was away. */
  #sized() {
    if (this.left) {
      const view = this.sync.target ?? this.left;
      this.left = null;
      // the panes are told of their size after us; what was asked for meanwhile is newer
      requestAnimationFrame(() => this.sync.show(this.sync.target ?? view));
    } else if (!this.shown) {
      this.shown = true;
      this.#firstView();
    }
  }

  #paintIfChanged() {
    const theme = themeAt(this.frame);
    if (JSON.stringify(theme) === this.painted) return;
    this.sync.quietly(() => {
      this.#paint();
      for (const pane of this.panes) pane.setAll(this.rows, this.style); // bars carry colours of their own
    });
    this.#decorate();
    this.sync.align();
    this.#settle();
  }

  #paint() {
    this.theme = themeAt(this.frame);
    this.painted = JSON.stringify(this.theme);
    const { theme } = this;
    this.frame.setAttribute("aria-label", `Candle chart ${this.style.title ?? ""}`.trim());
    for (const [name, value] of Object.entries({
      text: theme.text, background: theme.background, muted: theme.muted, edge: theme.edge, primary: theme.primary,
      tag: theme.tag, soft: fade(theme.text, 0.08), down: theme.down,
    })) {
      this.frame.style.setProperty(`--cb-${name}`, value);
    }
    const calendarKey = `${this.style.zone ?? ""} ${this.shape.seconds}`;
    if (calendarKey !== this.calendarKey) {
      this.calendarKey = calendarKey;
      this.calendar = calendarOf(this.style.zone, this.shape.seconds);
    }
    this.panes.forEach((pane, at) => pane.paint(theme, this.style, at === this.panes.length - 1));
  }

  #decorate() {
    if (!this.panes.length) return;
    this.panes[0].setMarkers(this.style.markers ?? [], this.rows);
    this.panes[0].marks.set(this.style.gaps ?? [], this.rows, fade(this.theme.text, 0.35));
    this.keys.gaps.hidden = !this.style.gaps?.length;
    this.keys.filled.hidden = !this.style.filled?.length;
  }

  /** After the library has drawn: the legend, the widths, the button to the newest candle. */
  #settle() {
    this.#legend();
    this.#edges(this.sync.range());
    if (this.frameAsked || !this.panes.length) return;
    this.frameAsked = true;
    requestAnimationFrame(() => {
      this.frameAsked = false;
      if (this.gone || !this.panes.length) return;
      const width = this.sync.fitScales();
      this.frame.style.setProperty("--cb-scale", `${width + 8}px`);
      for (const legend of this.legends) legend.fit();
      this.panes.forEach((pane, at) => pane.clear(this.legends[at].root.offsetHeight));
    });
  }

  #legend() {
    if (!this.theme) return;
    const place = this.cross === null ? this.#lastOnScreen() : placeOf(this.rows.times, this.cross);
    const note = this.cross === null ? "" : this.panes[0].marks.note(place);
    for (const legend of this.legends) legend.show(this.rows, place, this.style, this.calendar, this.shape, note);
  }

  #lastOnScreen() {
    const last = this.rows.length - 1;
    const range = this.sync.range();
    return range ? Math.max(Math.min(0, last), Math.min(last, Math.floor(range.to))) : last;
  }

  // ---------------------------------------------------------------------------------------- view

  #ranged(range) {
    if (!range || !this.rows.length) return;
    this.#edges(range);
    if (Date.now() - this.gesture < BY_READER) this.#reportSoon();
    this.#settle();
  }

  #edges(range) {
    if (!range || !this.rows.length || !this.root) return;
    const last = this.rows.length - 1;
    this.latest.hidden = range.to >= last && !this.style.newer;
    this.asks.near(range, this.style);
  }

  #toLatest() {
    if (this.style.newer) this.asks.latest();
    else this.view.toLatest();
  }

  #reportSoon() {
    if (this.reports) this.asks.visible(() => (this.root ? this.sync.range() : null));
  }

  #byReader(move) {
    this.gesture = Date.now();
    move();
  }

  picture() {
    const name = (this.style.title || "chart").replaceAll(/[^\w.-]+/g, "-").replaceAll(/^-+|-+$/g, "");
    const canvas = snapshot(this.panes, this.legends, this.theme);
    download(canvas, `${name}-${this.shape.timeframe}.png`);
    return canvas;
  }

  fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.frame.requestFullscreen?.().catch((error) => this.fail(error));
  }

  // --------------------------------------------------------------------------------------- ends

  fail(error) {
    console.error("Candlebook chart:", error);
    this.error.textContent = `The chart cannot be drawn: ${error?.message ?? error}`;
    this.error.hidden = false;
  }

  moveTo(root) {
    clearTimeout(this.leaving);
    waiting.delete(this.key);
    this.root = root;
    root.append(this.frame);
    // without a width the library cannot be told what to show: see #resized
  }

  leave(root) {
    if (this.gone || !root || root !== this.root) return;
    this.root = null;
    charts.delete(root);
    this.left = this.sync.range(); // while the frame has a size
    this.sync.target = this.left; // and what is asked meanwhile
    this.frame.remove();
    waiting.get(this.key)?.takeDown();
    waiting.set(this.key, this);
    this.leaving = setTimeout(() => this.takeDown(), WAIT_FOR_RETURN);
  }

  takeDown() {
    if (this.gone) return;
    this.gone = true;
    if (waiting.get(this.key) === this) waiting.delete(this.key);
    if (this.left && !this.latest.hidden) views.set(this.key, { identity: this.rows.identity, first: this.rows.times[0], ...this.left });
    else views.delete(this.key);
    this.sizes.disconnect();
    this.asks.stop();
    for (const pane of this.panes) pane.remove();
    this.frame.remove();
    if (hook.charts.get(this.key)?.number === this.number) hook.charts.delete(this.key);
  }
}
