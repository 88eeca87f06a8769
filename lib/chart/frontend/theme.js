// Colours, from Streamlit's theme. Rising and falling differ in lightness and in blue, not only in red and
// green; the palette of lines keeps its order apart for colour-blind readers. The figures of the legend have
// the contrast of text, 4.5 to 1, and lines that of signs, 3 to 1. `falling` is that of candles: their colour is
// also the ground of the price's tag, whose figures the library writes in white on it.

const LIGHT = {
  up: "#06806c", down: "#cf3835", falling: "#cf3835", lines: ["#2563d6", "#d07200", "#8b45d1", "#0891a8", "#c63a84", "#6f7d0b", "#8a5a3c", "#5b6b7d"],
};
const DARK = {
  up: "#34c3ae", down: "#f2605c", falling: "#d43f3b", lines: ["#5b9bff", "#ffab40", "#b98bff", "#3cc8df", "#f277b5", "#b6c43c", "#c99a76", "#9fb0c3"],
};

function rgb(text) {
  const probe = text.trim();
  if (/^#[0-9a-f]{3,8}$/i.test(probe)) {
    const hex = probe.length < 6 ? [...probe.slice(1, 4)].map((c) => c + c).join("") : probe.slice(1, 7);
    return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
  }
  const numbers = probe.match(/[\d.]+/g);
  return numbers && numbers.length >= 3 ? numbers.slice(0, 3).map(Number) : null;
}

const faded = new Map();

export function fade(color, alpha) {
  const key = `${color} ${alpha}`;
  let text = faded.get(key);
  if (!text) {
    const [r, g, b] = rgb(color) ?? [128, 128, 128];
    faded.set(key, (text = `rgba(${r}, ${g}, ${b}, ${alpha})`));
  }
  return text;
}

/** The theme at an element: what Streamlit puts in its custom properties. */
export function themeAt(element) {
  const style = getComputedStyle(element);
  const read = (name, other) => {
    const value = style.getPropertyValue(name).trim();
    return value && value !== "unset" ? value : other;
  };
  const background = read("--st-background-color", "#ffffff");
  const [r, g, b] = rgb(background) ?? [255, 255, 255];
  const dark = 0.299 * r + 0.587 * g + 0.114 * b < 128;
  const text = read("--st-text-color", dark ? "#fafafa" : "#31333f");
  const family = dark ? DARK : LIGHT;
  return {
    dark,
    background,
    text,
    muted: fade(text, 0.7),
    grid: fade(text, dark ? 0.07 : 0.06),
    edge: fade(text, 0.16),
    cross: fade(text, 0.45),
    tag: dark ? "#3d4454" : "#4a5160",
    font: read("--st-font", "sans-serif"),
    primary: read("--st-primary-color", "#2563d6"),
    up: family.up,
    down: family.down,
    falling: family.falling,
    line: (index) => family.lines[index % family.lines.length],
  };
}
