/**
 * Families of metrics as text: OpenMetrics 1.0, or the older format of Prometheus (0.0.4), which may be followed by
 * the text of another library.
 */
'use strict';

/**
 * @typedef {'openmetrics' | 'prometheus'} Format
 * @typedef {Record<string, string>} Labels
 *
 * @typedef {object} Family
 * @property {string} name without `_total` or `_info`
 * @property {'gauge' | 'counter' | 'info' | 'stateset'} type
 * @property {string} help
 * @property {{ labels?: Labels, value: number }[]} samples
 */

/** Base units; a family of one ends with its name. */
const UNITS = ['seconds', 'bytes', 'ratio'];
/** What the names of samples end with. */
const SUFFIXES = { counter: '_total', info: '_info', gauge: '', stateset: '' };

/**
 * Families without a sample are left out.
 *
 * @param {Family[]} families
 * @param {Format} format
 */
function exposition(families, format) {
  const lines = families
    .filter(({ samples }) => samples.length > 0)
    .flatMap((family) => [...headOf(family, format), ...family.samples.map(lineOf(family))]);
  if (format === 'openmetrics') lines.push('# EOF');
  return lines.map((line) => `${line}\n`).join('');
}

/** @type {(family: Family, format: Format) => string[]} */
function headOf({ name, type, help }, format) {
  if (format === 'prometheus') {
    const full = name + SUFFIXES[type];
    return [
      `# HELP ${full} ${escaped(help)}`,
      `# TYPE ${full} ${type === 'counter' ? 'counter' : 'gauge'}`,
    ];
  }
  const unit = UNITS.find((one) => name.endsWith(`_${one}`));
  return [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${quoted(help)}`,
  ];
}

/** @type {(family: Family) => (sample: Family['samples'][0]) => string} */
function lineOf({ name, type }) {
  return ({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${quoted(text)}"`);
    const shown = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
    return `${name}${SUFFIXES[type]}${shown} ${value}`;
  };
}

/** @param {string} text of a help of the older format, in which quotes stay */
function escaped(text) {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** @param {string} text */
function quoted(text) {
  return escaped(text).replaceAll('"', '\\"');
}

module.exports = { exposition };
