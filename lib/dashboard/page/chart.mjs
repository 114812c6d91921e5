// Charts of lines, bars and bands, drawn by hand: five small forms need fewer lines than the use of a library
// would, a library of charts is larger than this whole page, and none of them has tables and a style of its own
// that follow the page's.

import { el, svg } from './dom.mjs';
import { labelled, linear, stretches, ticks } from './scale.mjs';

const ROOM = { top: 10, right: 12, bottom: 24, left: 46 };

/**
 * A figure that draws itself as wide as it is: `draw(width)` answers an SVG. Under it stands what the pointer is
 * on, or `hint`.
 */
export function figure({ title, legend = [], summary, draw, hint = '' }) {
  const canvas = el('div', { class: 'canvas' });
  const readout = el('p', { class: 'readout', 'aria-hidden': 'true' }, hint);
  const redraw = () => {
    const width = Math.floor(canvas.clientWidth);
    if (width > 0)
      canvas.replaceChildren(draw(width, (text) => readout.replaceChildren(text ?? hint)));
  };
  let last = 0;
  new ResizeObserver(() => {
    if (canvas.clientWidth === last) return;
    last = canvas.clientWidth;
    redraw();
  }).observe(canvas);
  const key = legend.map(({ name, kind }) =>
    el('li', {}, el('span', { class: `key ${kind}`, 'aria-hidden': 'true' }), name),
  );
  canvas.dataset.summary = summary;
  return el(
    'figure',
    {},
    el(
      'figcaption',
      {},
      el('span', { class: 'chart-title' }, title),
      key.length > 0 && el('ul', { class: 'legend' }, ...key),
    ),
    canvas,
    readout,
  );
}

/** The SVG of a chart with its axes. `at(i)` and `y(value)` give places. */
function plot({
  width,
  height = 200,
  label,
  values,
  scale,
  format,
  places,
  labels,
  labelWidth = 62,
  isDay = false,
}) {
  const steps = scale ?? ticksFor(values);
  const widest = Math.max(...steps.map((one) => format(one).length));
  const left = Math.max(ROOM.left, widest * 7 + 12);
  const y = linear([steps[0], steps.at(-1)], [height - ROOM.bottom, ROOM.top]);
  const inner = width - left - ROOM.right;
  const root = svg('svg', {
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': label,
  });
  for (const step of steps) {
    const line = svg('line', {
      class: step === 0 ? 'axis' : 'grid',
      x1: left,
      x2: width - ROOM.right,
      y1: y(step),
      y2: y(step),
    });
    root.append(
      line,
      svg(
        'text',
        { class: 'tick', x: left - 8, y: y(step) + 4, 'text-anchor': 'end' },
        format(step),
      ),
    );
  }
  const at = (i) => left + places(i) * inner;
  for (const i of labelled(labels.length, inner, labelWidth, { isDay })) {
    const x = left + (labels.length === 1 ? 0.5 : places(i, true)) * inner;
    const half = labels[i].length * 3.3;
    const anchor = x + half > width ? 'end' : 'middle';
    root.append(
      svg(
        'text',
        {
          class: 'tick',
          x: anchor === 'end' ? width - 2 : x,
          y: height - 7,
          'text-anchor': anchor,
        },
        labels[i],
      ),
    );
  }
  return { root, at, y, left, inner, height };
}

function ticksFor(values) {
  const known = values.filter((value) => value !== null && value !== undefined);
  const isWhole = known.every(Number.isInteger);
  return ticks(Math.min(0, ...known), Math.max(0, ...known), 4, { isWhole });
}

/** Tells what the pointer is on. */
function follow({ root, left, inner, height, at }, length, tell, describe) {
  const cursor = svg('line', {
    class: 'cursor',
    y1: ROOM.top,
    y2: height - ROOM.bottom,
    visibility: 'hidden',
  });
  root.append(cursor);
  root.addEventListener('pointermove', (event) => {
    const x = event.clientX - root.getBoundingClientRect().left;
    const i = Math.min(length - 1, Math.max(0, Math.floor(((x - left) / inner) * length)));
    cursor.setAttribute('x1', at(i));
    cursor.setAttribute('x2', at(i));
    cursor.setAttribute('visibility', 'visible');
    tell(describe(i));
  });
  root.addEventListener('pointerleave', () => {
    cursor.setAttribute('visibility', 'hidden');
    tell(null);
  });
  return root;
}

const path = (points) =>
  points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

/**
 * Lines over steps. `lines`: `{ kind, values, isFilled }`; `band`: `{ low, high }` by step.
 */
export function lineChart({ lines, band, labels, format, describe, label, isDay, height, scale }) {
  const length = lines[0].values.length;
  const all = [...lines.flatMap(({ values }) => values), ...(band?.high ?? [])];
  return (width, tell) => {
    const places = (i) => (length === 1 ? 0.5 : i / (length - 1));
    const drawn = plot({
      width,
      height,
      label,
      values: all,
      scale,
      format,
      places,
      labels,
      isDay,
    });
    const { root, at, y } = drawn;
    if (band) root.append(bandShape(band, at, y));
    for (const { kind, values, isFilled } of lines) {
      for (const stretch of stretches(values)) {
        const points = stretch.map(([i, value]) => [at(i), y(value)]);
        if (isFilled) {
          const base = [
            [points.at(-1)[0], y(0)],
            [points[0][0], y(0)],
          ];
          root.append(svg('path', { class: `area ${kind}`, d: `${path([...points, ...base])}Z` }));
        }
        if (points.length === 1)
          root.append(
            svg('circle', { class: `dot ${kind}`, cx: points[0][0], cy: points[0][1], r: 2.5 }),
          );
        root.append(svg('path', { class: `line ${kind}`, d: path(points) }));
      }
      if (isFilled) root.append(...lastDot(kind, values, at, y));
    }
    return follow(drawn, length, tell, describe);
  };
}

function lastDot(kind, values, at, y) {
  const last = values.findLastIndex((value) => value !== null);
  return last === -1
    ? []
    : [svg('circle', { class: `dot ${kind}`, cx: at(last), cy: y(values[last]), r: 4 })];
}

function bandShape({ low, high }, at, y) {
  const shapes = stretches(high).map((stretch) => {
    const above = stretch.map(([i, value]) => [at(i), y(value)]);
    const below = stretch.map(([i]) => [at(i), y(low[i])]).reverse();
    return svg('path', { class: 'band', d: `${path([...above, ...below])}Z` });
  });
  return svg('g', {}, ...shapes);
}

/**
 * Bars by day or kind. `stacks`: `{ kind, values }`, one on the other; those of negative values hang below 0.
 * `line`: `{ kind, values }` over them.
 */
export function barChart({
  stacks,
  line,
  labels,
  format,
  describe,
  label,
  height,
  labelWidth,
  faded = () => false,
}) {
  const { length } = stacks[0].values;
  const sums = [1, -1].map((sign) =>
    Array.from({ length }, (_, i) =>
      stacks.reduce(
        (sum, { values }) => sum + (Math.sign(values[i] ?? 0) === sign ? values[i] : 0),
        0,
      ),
    ),
  );
  return (width, tell) => {
    const places = (i) => (i + 0.5) / length;
    const values = [...sums.flat(), ...(line?.values ?? [])];
    const drawn = plot({ width, height, label, values, format, places, labels, labelWidth });
    const { root, at, y, inner } = drawn;
    const thick = Math.max(1, Math.min(36, (inner / length) * 0.72));
    for (let i = 0; i < length; i += 1) {
      const tops = { 1: 0, [-1]: 0 };
      for (const { kind, values: of } of stacks) {
        if (!of[i]) continue;
        const sign = Math.sign(of[i]);
        const [from, to] = [y(tops[sign]), y(tops[sign] + of[i])];
        tops[sign] += of[i];
        const shape = {
          x: at(i) - thick / 2,
          width: thick,
          y: Math.min(from, to),
          height: Math.max(Math.abs(to - from), 0.5),
        };
        root.append(
          svg('rect', {
            class: `bar ${kind}${faded(i) ? ' faded' : ''}`,
            rx: Math.min(2, thick / 4),
            ...shape,
          }),
        );
      }
    }
    for (const stretch of stretches(line?.values ?? [])) {
      const points = stretch.map(([i, value]) => [at(i), y(value)]);
      root.append(svg('path', { class: `line ${line.kind}`, d: path(points) }));
    }
    return follow(drawn, length, tell, describe);
  };
}

/** A bar in a table. */
export function meter(value, kind) {
  const width = `${Math.max(0, Math.min(1, value)) * 100}%`;
  return svg(
    'svg',
    { class: 'meter', 'aria-hidden': 'true' },
    svg('rect', { class: `bar ${kind}`, width, height: '100%', rx: 2 }),
  );
}

/** A line as high as the text, of whole days; the last value, of today, is a dot. */
export function spark(values) {
  const [width, height] = [104, 22];
  const y = linear([0, Math.max(1, ...values.filter((value) => value !== null))], [height - 4, 4]);
  const x = linear([0, values.length - 1], [4, width - 5]);
  const today = values.at(-1);
  const lines = stretches(values.slice(0, -1)).map((stretch) =>
    svg('path', { class: 'line now', d: path(stretch.map(([i, value]) => [x(i), y(value)])) }),
  );
  return svg(
    'svg',
    { class: 'spark', width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' },
    ...lines,
    today !== null &&
      svg('circle', { class: 'dot past', cx: x(values.length - 1), cy: y(today), r: 2.5 }),
  );
}

/** Days as dots, the band of normal ones, and today, on one line. */
export function strip({ days, low, high, today, format, label }) {
  return (width) => {
    const [height, middle] = [74, 30];
    const values = [low, high, today, ...days];
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const room = (most - least || 1) * 0.12;
    const x = linear([Math.max(0, least - room), most + room], [10, width - 10]);
    const end = (value, anchor) =>
      svg(
        'text',
        { class: 'tick', x: x(value), y: middle + 32, 'text-anchor': anchor },
        format(value),
      );
    return svg(
      'svg',
      { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label },
      svg('line', { class: 'axis', x1: 4, x2: width - 4, y1: middle, y2: middle }),
      svg('rect', {
        class: 'band solid',
        x: x(low),
        width: Math.max(1, x(high) - x(low)),
        y: middle - 13,
        height: 26,
        rx: 4,
      }),
      ...days.map((value) =>
        svg('circle', { class: 'dot past', cx: x(value), cy: middle, r: 4.5 }),
      ),
      svg('line', { class: 'today', x1: x(today), x2: x(today), y1: middle - 20, y2: middle + 16 }),
      end(low, 'middle'),
      end(high, 'middle'),
    );
  };
}
