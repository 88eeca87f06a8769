// The few buttons over the chart, and its keys.

const ICONS = {
  fit: "M2 5V2h3M11 2h3v3M14 11v3h-3M5 14H2v-3M5 8h6M5 8l1.5-1.5M5 8l1.5 1.5M11 8L9.5 6.5M11 8L9.5 9.5",
  camera: "M2 5h2.5l1-2h5l1 2H14v8H2zM8 11.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z",
  full: "M9.5 2H14v4.5M14 2L9.5 6.5M6.5 14H2V9.5M2 14l4.5-4.5",
};

export function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

function button(name, label, action) {
  const element = document.createElement("button");
  element.type = "button";
  element.title = label;
  element.setAttribute("aria-label", label);
  element.className = `cb-button cb-${name}`;
  if (ICONS[name]) element.append(icon(ICONS[name]));
  element.addEventListener("click", action);
  return element;
}

/** `actions`: {fit, picture, fullscreen, latest}. Gives the bar and the button back to the newest candle. */
export function makeToolbar(actions) {
  const bar = document.createElement("div");
  bar.className = "cb-toolbar";
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Chart tools");
  bar.append(
    button("fit", "Show all loaded candles", actions.fit),
    button("camera", "Save as a picture (PNG)", actions.picture),
    button("full", "Full screen", actions.fullscreen),
  );
  const latest = button("latest", "Go to the latest candle", actions.latest);
  latest.textContent = "Go to latest ›";
  latest.hidden = true;
  return { bar, latest };
}

/** Arrows scroll, plus and minus zoom, Home and End go to the ends. */
export function onKey(event, actions) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const steps = {
    ArrowLeft: () => actions.scroll(event.shiftKey ? -0.5 : -0.1),
    ArrowRight: () => actions.scroll(event.shiftKey ? 0.5 : 0.1),
    "+": () => actions.zoom(0.8),
    "=": () => actions.zoom(0.8),
    "-": () => actions.zoom(1.25),
    Home: actions.first,
    End: actions.latest,
  };
  const step = steps[event.key];
  if (!step) return;
  event.preventDefault();
  event.stopPropagation(); // a page may have keys of its own, such as the steps of a replay
  step();
}
