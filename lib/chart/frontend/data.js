// The rows a chart holds, and how payloads change them. No drawing here, and no library.

const CANDLE = ["t", "o", "h", "l", "c", "v"];

/** Columns of an Arrow table or of JSON rows: an array per column, NaN for none. */
function columnsOf(rows, count) {
  const names = [...CANDLE, ...Array.from({ length: count }, (_, i) => String(i))];
  if (Array.isArray(rows)) {
    return names.map((_, at) => rows.map((row) => row[at] ?? NaN));
  }
  if (!rows || typeof rows.getChild !== "function") throw new Error("The rows are no table.");
  return names.map((name) => {
    const child = rows.getChild(name);
    if (!child) throw new Error(`The table has no column ${name}.`);
    return Array.from(child.toArray(), Number);
  });
}

/** The first place in sorted `times` at or after `time`. */
export function placeOf(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (times[mid] < time) low = mid + 1;
    else high = mid;
  }
  return low;
}

function check(times, [, open, high, low, close]) {
  for (let i = 0; i < times.length; i++) {
    if (!Number.isFinite(times[i]) || (i && times[i] <= times[i - 1])) {
      throw new Error(`The times do not ascend at row ${i} (${times[i - 1]}, ${times[i]}).`);
    }
    if (!(Number.isFinite(open[i]) && high[i] >= low[i] && Number.isFinite(close[i]))) {
      throw new Error(`The candle at row ${i} is not one (open ${open[i]}, high ${high[i]}, low ${low[i]}, close ${close[i]}).`);
    }
  }
}

export class Rows {
  constructor() {
    this.id = null;
    this.revision = -1;
    this.identity = null;
    this.clear(0);
  }

  clear(lines) {
    this.columns = Array.from({ length: 6 + lines }, () => []);
  }

  get times() {
    return this.columns[0];
  }

  get length() {
    return this.columns[0].length;
  }

  line(at) {
    return this.columns[6 + at];
  }

  /** Forget how far the payloads came, so that only a reset fits. */
  lose() {
    this.id = null;
    this.revision = -1;
  }

  /** Whether this payload can be applied, was already, or misses something. */
  fits(payload) {
    if (payload.op === "reset") return payload.id === this.id && payload.rev <= this.revision ? "held" : "apply";
    if (payload.id !== this.id || payload.since > this.revision) return "missing";
    return payload.rev <= this.revision ? "held" : "apply";
  }

  /**
   * Apply a payload that fits. What changed: `{all, same, prepended, from, truncated}`: `all` for a reset,
   * `prepended` rows more in front, and rows from `from` on are new or other than before.
   */
  apply(payload) {
    const change = { all: false, same: false, prepended: 0, from: Infinity, truncated: false };
    if (payload.op === "reset") {
      change.all = true;
      change.same = payload.identity === this.identity;
      const columns = columnsOf(payload.rows, payload.shape.lines.length);
      check(columns[0], columns);
      this.columns = columns;
      this.identity = payload.identity;
      this.id = payload.id;
    }
    if (payload.op === "head") this.#prepend(payload, change);
    if (payload.op === "tail") this.#replace(payload.from, payload.rows, change);
    if (payload.newer !== undefined) this.#replace(payload.from, payload.newer, change);
    this.revision = payload.rev;
    return change;
  }

  #prepend(payload, change) {
    const columns = columnsOf(payload.rows, this.columns.length - 6);
    const keep = payload.until === null ? this.length : placeOf(this.times, payload.until);
    const before = this.length;
    const joined = this.columns.map((column, at) => columns[at].concat(column.slice(keep)));
    check(joined[0], joined);
    this.columns = joined;
    change.prepended = joined[0].length - before;
  }

  #replace(from, rows, change) {
    const columns = columnsOf(rows, this.columns.length - 6);
    let keep = placeOf(this.times, from);
    const before = this.length;
    // rows sent again that are held already are not news
    let known = 0;
    while (
      known < columns[0].length && keep < before &&
      columns.every((column, at) => Object.is(column[known], this.columns[at][keep]))
    ) {
      known++;
      keep++;
    }
    if (known === columns[0].length && keep === before) return;
    const fresh = columns.map((column) => column.slice(known));
    if (keep && fresh[0].length && fresh[0][0] <= this.times[keep - 1]) {
      throw new Error(`The rows from ${fresh[0][0]} on do not follow ${this.times[keep - 1]}.`);
    }
    check(fresh[0], fresh);
    this.columns.forEach((column, at) => {
      column.length = keep;
      for (const value of fresh[at]) column.push(value);
    });
    change.from = keep;
    change.truncated = this.length < before;
  }
}
