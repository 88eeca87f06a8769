// Clocks of time zones. Times are never shifted; a clock only says how a moment is written somewhere.
//
// Intl is exact but slow (microseconds a call), so a clock asks it for the offset of a week's two ends, and
// where they agree, as in all but two weeks a year, that is the offset of the week.

const WEEK = 604800;
const HOUR = 3600;
const DAY = 86400;

function intlOffset(zone) {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "numeric", second: "numeric", era: "short",
  });
  return (seconds) => {
    const part = {};
    for (const { type, value } of format.formatToParts(seconds * 1000)) part[type] = value;
    const year = part.era === "BC" ? 1 - Number(part.year) : Number(part.year);
    const wall = new Date(0);
    wall.setUTCFullYear(year, part.month - 1, part.day);
    wall.setUTCHours(part.hour, part.minute, part.second);
    return Math.round(wall.getTime() / 1000 - Math.floor(seconds));
  };
}

const pad = (n) => (n < 10 ? `0${n}` : `${n}`);

/** A clock for an IANA zone; an empty one, or one this browser does not know, is the reader's own. */
export function clockOf(zone) {
  let name = zone || Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  let ask;
  try {
    ask = intlOffset(name);
  } catch {
    name = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
    ask = intlOffset(name);
  }
  const weeks = new Map();
  const hours = new Map();

  const cached = (map, key, make) => {
    let value = map.get(key);
    if (value === undefined) {
      if (map.size > 20000) map.clear();
      map.set(key, (value = make()));
    }
    return value;
  };

  function offset(seconds) {
    if (name === "UTC") return 0;
    const week = Math.floor(seconds / WEEK);
    const here = cached(weeks, week, () => {
      const first = ask(week * WEEK);
      return first === ask((week + 1) * WEEK) ? first : NaN;
    });
    if (here === here) return here;
    const hour = Math.floor(seconds / HOUR);
    return cached(hours, hour, () => ask(hour * HOUR));
  }

  /** The wall clock as a Date whose UTC fields are the zone's. */
  const wall = (seconds) => new Date((seconds + offset(seconds)) * 1000);
  return { name, offset, wall };
}

const months = Array.from({ length: 12 }, (_, month) =>
  new Intl.DateTimeFormat(undefined, { month: "short", timeZone: "UTC" }).format(Date.UTC(2001, month, 15)),
);
const days = Array.from({ length: 7 }, (_, day) =>
  new Intl.DateTimeFormat(undefined, { weekday: "short", timeZone: "UTC" }).format(Date.UTC(2001, 0, 7 + day)),
);

/**
 * The UTC midnight of the trading day of a candle that is a day or longer, as lib.timeframes.trading_days tells
 * it: what opens at 10:30 or later is of the day that follows, but for New York's session at 13:30 and 14:30.
 */
export function tradingDay(seconds) {
  const inside = ((seconds % DAY) + DAY) % DAY;
  const late = inside >= 10.5 * HOUR && inside !== 13.5 * HOUR && inside !== 14.5 * HOUR;
  return seconds - inside + (late ? DAY : 0);
}

/** How long a candle is decides how its time is written: a daily candle is a date, the same everywhere. */
export function calendarOf(zone, seconds) {
  const daily = seconds >= 86400;
  const clock = clockOf(daily ? "UTC" : zone);
  const wall = daily ? (at) => clock.wall(tradingDay(at)) : clock.wall;
  const time = (at) => `${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}`;
  return {
    zone: daily ? "" : clock.name,
    wall,
    /** In full, for the legend and the crosshair. */
    full(at) {
      const d = wall(at);
      const date = `${days[d.getUTCDay()]} ${d.getUTCDate()} ${months[d.getUTCMonth()]} ${d.getUTCFullYear()}`;
      if (daily) return date;
      return `${date} ${time(d)}${seconds < 60 ? `:${pad(d.getUTCSeconds())}` : ""}`;
    },
    /** For a tick of a weight given by `weigh`. */
    tick(at, weight) {
      const d = wall(at);
      if (weight >= 70) return `${d.getUTCFullYear()}`;
      if (weight >= 60) return months[d.getUTCMonth()];
      if (weight >= 50) return `${d.getUTCDate()}`;
      return weight >= 20 ? time(d) : `${time(d)}:${pad(d.getUTCSeconds())}`;
    },
  };
}

/** How much a boundary between two moments weighs on the time axis, on the wall clock of a zone. */
export function weigh(now, before) {
  if (now.getUTCFullYear() !== before.getUTCFullYear()) return 70;
  if (now.getUTCMonth() !== before.getUTCMonth()) return 60;
  if (now.getUTCDate() !== before.getUTCDate()) return 50;
  const a = now.getTime();
  const b = before.getTime();
  for (const [length, weight] of [
    [12 * HOUR, 33], [6 * HOUR, 32], [3 * HOUR, 31], [HOUR, 30], [1800, 22], [300, 21], [60, 20], [1, 10],
  ]) {
    if (Math.floor(a / 1000 / length) !== Math.floor(b / 1000 / length)) return weight;
  }
  return 0;
}
