// Where the reader is heading: the page of the app whose link was followed last.
//
// Until the first word of that page comes, Streamlit names the old page in all that the browser sends. A word of
// the old page's chart then brings the server back to that page, where it finds nothing to run, and the reader
// looks at an empty page for good. So a chart that is being left is silent.

const LONGEST = 30_000; // ms; a page that has not begun by then will not

let heading = { path: "", at: -Infinity };

const bare = (path) => path.replace(/\/+$/, "");

function towards(path) {
  heading = { path: bare(path), at: performance.now() };
}

function followed(event) {
  if (event.button || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = event.composedPath().find((one) => one instanceof HTMLAnchorElement && one.href);
  if (!link || link.target === "_blank" || link.hasAttribute("download") || link.origin !== location.origin) return;
  towards(link.pathname);
}

window.addEventListener("click", followed, true);
window.addEventListener("popstate", () => towards(location.pathname), true);

/** Whether a page that began at the time `since` and lies at `path` is being left. */
export function isLeft(path, since) {
  return heading.at > since && heading.path !== bare(path) && performance.now() - heading.at < LONGEST;
}
