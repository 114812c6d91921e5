// The pictures of a run: SVG, drawn from its numbers and nothing else, so that the same numbers give
// the same bytes. White behind, so that they can be read on dark pages too.
'use strict';

const echarts = require('echarts');
const { TITLES, twoPlaces, whole } = require('./format');
const { spread } = require('./statistics');

const SIZE = { width: 760, height: 420 };
const FONT = 'Helvetica, Arial, sans-serif';
const INK = '#24292f';
const LINES = '#d0d7de';
/** They differ in lightness and in symbol as well, for those who do not see the colours. */
const LOOKS = {
  reference: { color: '#7f7f7f', symbol: 'rect' },
  driver: { color: '#e69f00', symbol: 'triangle' },
  driverRaw: { color: '#c78500', symbol: 'triangle' },
  rust: { color: '#d55e00', symbol: 'diamond' },
  rustRaw: { color: '#a34700', symbol: 'diamond' },
  addon: { color: '#0072b2', symbol: 'circle' },
  p50: { color: '#0072b2', symbol: 'circle' },
  p99: { color: '#56b4e9', symbol: 'triangle' },
};
const PERCENTILES = [
  ['p50', 'p50Ms'],
  ['p99', 'p99Ms'],
];

/** `[{ name, title, svg }]`; those of the curves only if the run has any. */
function draw({ measured, curves }) {
  const pictures = [throughput(measured)];
  if (curves) pictures.push(payloads(curves), processes(curves), readable(curves), logins(curves));
  return pictures.map(({ name, title, option }) => ({ name, title, svg: render(title, option) }));
}

function throughput({ throughput: found }) {
  const sides = Object.keys(LOOKS).filter((side) => found[side]);
  const spreads = sides.map((side) => spread(found[side], 'perSecond'));
  const bars = spreads.map(({ median }, i) => ({
    value: median,
    itemStyle: { color: LOOKS[sides[i]].color },
  }));
  return {
    name: 'throughput',
    title: 'Events stored per second: median, slowest and fastest round',
    option: {
      xAxis: category(sides.map((side) => TITLES[side].replace(', ', '\n'))),
      yAxis: number('events stored per second'),
      series: [
        { type: 'bar', barWidth: '50%', data: bars },
        ranges(spreads.map(({ median, min, max }, i) => [i, min, max, median])),
      ],
    },
  };
}

function ranges(data) {
  return { type: 'custom', data, encode: { x: 0, y: [1, 2] }, renderItem: range, z: 3 };
}

/** A line from the smallest to the largest, with a short one across each end, and the median above. */
function range(_params, api) {
  const [x, bottom] = api.coord([api.value(0), api.value(1)]);
  const [, top] = api.coord([api.value(0), api.value(2)]);
  const stroke = (x1, y1, x2, y2) => ({
    type: 'line',
    shape: { x1, y1, x2, y2 },
    style: { stroke: INK, lineWidth: 2 },
  });
  const across = (y) => stroke(x - 8, y, x + 8, y);
  const place = { x, y: top - 6, align: 'center', verticalAlign: 'bottom' };
  const text = {
    type: 'text',
    style: { text: whole(api.value(3)), ...place, fill: INK, fontFamily: FONT },
  };
  return {
    type: 'group',
    children: [stroke(x, bottom, x, top), across(bottom), across(top), text],
  };
}

function payloads({ payloads: rows }) {
  const points = (side) => rows.map((row) => [row.bytes, row[side].perSecond]);
  return {
    name: 'payloads',
    title: 'Events per second by size of payload',
    option: {
      xAxis: logarithmic(
        'bytes of data per event (log)',
        rows.map((row) => row.bytes),
      ),
      yAxis: { ...number('events stored per second (log)'), type: 'log' },
      series: ['driverRaw', 'rustRaw', 'addon'].map((side) =>
        line(side, TITLES[side], points(side)),
      ),
    },
  };
}

function processes({ processes: rows }) {
  const points = rows.map((row) => [row.count, row.perSecond]);
  return {
    name: 'processes',
    title: 'This package: events per second of several processes on one database',
    option: {
      xAxis: logarithmic(
        'number of processes (log)',
        rows.map((row) => row.count),
      ),
      yAxis: number('events stored per second, in all'),
      series: [{ ...line('addon', TITLES.addon, points), label: valueLabel(whole) }],
    },
  };
}

function readable({ readable: rows }) {
  const points = (field) => rows.map((row) => [row.rate, row[field]]);
  return {
    name: 'readable',
    title: 'This package: from track() to readable in the database',
    option: {
      xAxis: logarithmic(
        'events per second beside it (log)',
        rows.map((row) => row.rate),
      ),
      yAxis: milliseconds(),
      series: PERCENTILES.map(([name, field]) => ({
        ...line(name, name, points(field)),
        label: valueLabel(twoPlaces, name === 'p50' ? 'bottom' : 'top'),
      })),
    },
  };
}

function logins({ logins: { underLoad, catchUp } }) {
  const bars = PERCENTILES.map(([name, field]) => ({
    ...{ type: 'bar', name, barWidth: '25%', itemStyle: { color: LOOKS[name].color } },
    data: [underLoad, catchUp].map((found) => found[field]),
    label: valueLabel(twoPlaces),
  }));
  return {
    name: 'logins',
    title: 'This package: an awaited login under load',
    option: {
      xAxis: category([
        'under 20 000 events/s',
        `during a catch-up of ${whole(catchUp.queued)} records`,
      ]),
      yAxis: milliseconds(),
      series: bars,
    },
  };
}

function line(look, name, data) {
  const { color, symbol } = LOOKS[look];
  return { type: 'line', name, data, color, symbol, symbolSize: 9, lineStyle: { width: 2.5 } };
}

function valueLabel(show, position = 'top') {
  const formatter = ({ value }) => show(Array.isArray(value) ? value[1] : value);
  // With a white seam: lines may run behind it.
  const seam = { textBorderColor: '#ffffff', textBorderWidth: 3 };
  return { show: true, position, formatter, color: INK, ...seam };
}

function category(data) {
  return { type: 'category', data, ...ruled(), splitLine: { show: false } };
}

function number(name, nameGap = 62) {
  return { type: 'value', boundaryGap: [0, '8%'], ...named(name, nameGap), ...ruled(asShort) };
}

function milliseconds() {
  return number('milliseconds', 40);
}

function asShort(value) {
  return Number.isInteger(value) ? whole(value) : String(value);
}

/** With a tick at each measured value, and some room at both ends. */
function logarithmic(name, values) {
  const room = (Math.max(...values) / Math.min(...values)) ** 0.06;
  const ticks = { customValues: values };
  const { axisLabel, ...rules } = ruled(whole);
  return {
    ...{ type: 'log', min: Math.min(...values) / room, max: Math.max(...values) * room },
    ...named(name, 32),
    ...rules,
    axisTick: { ...rules.axisTick, ...ticks },
    axisLabel: { ...axisLabel, ...ticks },
    splitLine: { show: false },
  };
}

function named(name, nameGap) {
  return { name, nameLocation: 'middle', nameGap, nameTextStyle: { color: INK, fontSize: 13 } };
}

function ruled(formatter) {
  return {
    axisLabel: { color: INK, fontSize: 12, formatter },
    axisLine: { show: true, lineStyle: { color: INK } },
    axisTick: { show: true, lineStyle: { color: INK } },
    splitLine: { lineStyle: { color: LINES } },
  };
}

function render(title, option) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...SIZE });
  const names = option.series.map((series) => series.name).filter(Boolean);
  chart.setOption({
    ...{ animation: false, backgroundColor: '#ffffff', textStyle: { fontFamily: FONT } },
    title: { text: title, left: 'center', top: 12, textStyle: { color: INK, fontSize: 16 } },
    legend: {
      show: names.length > 1,
      data: names,
      top: 42,
      itemGap: 28,
      textStyle: { color: INK },
    },
    grid: { left: 90, right: 40, top: 84, bottom: 60 },
    ...option,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${withoutNumbering(svg)}\n`;
}

/** The library counts pictures and styles of the process in its ids; the styles are for a pointer. */
function withoutNumbering(svg) {
  return svg
    .replace(/<style >[\s\S]*<\/style>\n/, '')
    .replace(/ class="zr\d+-cls-\d+"/g, '')
    .replace(/\bzr\d+-/g, 'zr0-');
}

module.exports = { draw };
