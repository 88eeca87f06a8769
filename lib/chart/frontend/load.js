// What the chart needs besides its modules: the library it draws with, and its style.

let loading;
/** The chart library, once for all charts of the page. */
export function loadLibrary(name) {
  if (window.LightweightCharts) return Promise.resolve();
  loading ??= new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = new URL(`../${name}/lightweight-charts.js`, import.meta.url).href;
    script.onload = done;
    script.onerror = () => {
      loading = undefined;
      fail(new Error("The chart library did not load. Reload the page; if that does not help, the server is not reachable."));
    };
    document.head.append(script);
  });
  return loading;
}

const sheets = {};
/** The chart's own style, put where it is drawn. */
export function styleSheet(root) {
  sheets.text ??= fetch(new URL("chart.css", import.meta.url)).then((answer) => answer.text());
  return sheets.text.then((text) => {
    const style = document.createElement("style");
    style.textContent = text;
    root.prepend(style);
  });
}
