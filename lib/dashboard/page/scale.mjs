// Scales of charts.

/** Round steps from 0, or from below it, to at least the largest value; about `wanted` of them. */
export function ticks(low, high, wanted = 4, { isWhole = false } = {}) {
  const span = Math.max(high - low, isWhole ? 1 : 1e-9);
  const raw = span / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  let step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= raw - 1e-12);
  if (isWhole) step = Math.max(1, Math.ceil(step));
  const first = Math.floor(low / step) * step;
  const last = Math.ceil((high - 1e-12) / step) * step;
  const number = Math.round((last - first) / step);
  return Array.from({ length: number + 1 }, (_, i) => Number((first + i * step).toPrecision(12)));
}

/** Steps that people read as times: seconds, minutes, hours. */
export function timeTicks(high, wanted = 4) {
  const steps = [
    1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 14_400, 21_600, 43_200,
    86_400,
  ];
  const step =
    steps.find((one) => one * wanted >= high) ?? Math.ceil(high / wanted / 86_400) * 86_400;
  return Array.from({ length: Math.max(1, Math.ceil(high / step)) + 1 }, (_, i) => i * step);
}

/** Maps numbers from one range to another. */
export function linear([from, to], [start, end]) {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

/**
 * The indices that have a label, so that labels of this width do not touch: every n-th to the last one, or of
 * steps of a day whole hours.
 */
export function labelled(length, width, labelWidth, { isDay = false } = {}) {
  const fit = Math.max(1, Math.floor(width / labelWidth));
  if (!isDay) {
    const every = Math.ceil(length / fit);
    return Array.from({ length }, (_, i) => i).filter((i) => (length - 1 - i) % every === 0);
  }
  const hours = [1, 2, 3, 6, 12].find((one) => 24 / one <= fit) ?? 24;
  return Array.from({ length: 24 / hours }, (_, i) => (i * hours * length) / 24);
}

/** Known stretches of a line: `[[index, value], …]` each. */
export function stretches(values) {
  const found = [];
  let open = null;
  values.forEach((value, i) => {
    if (value === null || value === undefined) {
      open = null;
    } else if (open === null) {
      open = [[i, value]];
      found.push(open);
    } else {
      open.push([i, value]);
    }
  });
  return found;
}
