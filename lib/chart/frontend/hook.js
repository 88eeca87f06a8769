// For tests in a browser, and for the curious: what each chart holds. The chart itself reads none of it.

export const hook = (window.__candlebook ??= { charts_created: 0, charts: new Map() });

/** What is to be seen of a chart from outside. */
export function hookOf(chart) {
  const at = (i) => (i < 0 ? null : chart.rows.columns.slice(0, 6).map((column) => column[i]));
  return {
    number: chart.number,
    get revision() { return chart.rows.revision; },
    get received() { return chart.received ?? 0; },
    get follows() { return chart.latest.hidden; },
    get rows() { return chart.rows; },
    bars: () => chart.rows.length,
    first: () => at(chart.rows.length ? 0 : -1),
    last: () => at(chart.rows.length - 1),
    times: () => [...chart.rows.times],
    range: () => chart.sync.range(),
    ranges: () => chart.panes.map((pane) => pane.chart.timeScale().getVisibleLogicalRange()),
    visible() {
      const range = chart.sync.range();
      if (!range || !chart.rows.length) return null;
      const clamp = (i) => Math.max(0, Math.min(chart.rows.length - 1, i));
      return [chart.rows.times[clamp(Math.ceil(range.from))], chart.rows.times[clamp(Math.floor(range.to))]];
    },
    show: (from, to) => chart.sync.show({ from, to }),
    lines: () => chart.shape.lines.map(([id, , pane], i) => ({ id, pane, last: chart.rows.line(i).at(-1) })),
    panes: () => chart.panes.map((pane) => pane.spec.id),
    /** What the library was given: of each line how many points have a value, and the candles. */
    drawn: () => Object.fromEntries(chart.panes.flatMap((pane) => pane.lines).map((line) =>
      [line.id, line.series.data().filter((point) => point.value !== undefined).length])),
    candles: () => chart.panes[0].candles.data(),
    paint: () => chart.panes[0].candles.options(),
    /** A value as the scale of a pane writes it. */
    price: (value, pane = 0) => chart.panes[pane].anchor.priceFormatter().format(value),
    cross: () => chart.cross,
    scales: () => chart.panes.map((pane) => pane.chart.priceScale("right").width()),
    legend: () => chart.frame.querySelector(".cb-main .cb-legend")?.innerText ?? "",
    style: () => ({ ...chart.style }),
    theme: () => chart.theme,
    lose: () => chart.rows.lose(),
  };
}
