// The library's horizontal scale, on the wall clock of the reader's zone. Its own cuts days at midnight UTC,
// so that in New York the tick of a new day would stand at 19:00.

import { weigh } from "./zone.js";

/** An item of the scale is the time in seconds itself. `calendar()` is asked each time, for zones change. */
export function makeScale(calendar) {
  let options;
  return {
    options: () => options,
    setOptions(next) {
      options = next;
    },
    preprocessData() {},
    updateFormatter() {},
    createConverterToInternalObj: () => (time) => time,
    convertHorzItemToInternal: (time) => time,
    key: (item) => item,
    cacheKey: (item) => item,
    formatHorzItem: (item) => calendar().full(item),
    formatTickmark: (mark) => calendar().tick(mark.time, mark.weight),
    maxTickMarkWeight(marks) {
      const most = marks.reduce((top, mark) => Math.max(top, mark.weight), 0);
      return most > 30 && most < 50 ? 30 : most;
    },
    fillWeightsForPoints(points, start = 0) {
      const { wall } = calendar();
      let before = start > 0 ? wall(points[start - 1].time) : null;
      for (let i = start; i < points.length; i++) {
        const now = wall(points[i].time);
        // what was before the first point is not known: a candle's length before, for a fair guess
        const last = before ?? (points.length > 1 ? wall(2 * points[0].time - points[1].time) : null);
        points[i].timeWeight = last ? weigh(now, last) : 50;
        before = now;
      }
    },
  };
}
