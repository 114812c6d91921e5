// Prints observations so that people can read them, and shows where two of them differ.
'use strict';

const WIDTH = 98;
const CONTEXT = 3;

/** JSON with everything that fits on one line left on one line. */
function format(value, indent = '') {
  const oneLine = inline(value);
  if (value === null || typeof value !== 'object' || indent.length + oneLine.length <= WIDTH) {
    return oneLine;
  }
  const deeper = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((inner) => deeper + format(inner, deeper))
    : Object.entries(value).map(
        ([key, inner]) => `${deeper}${JSON.stringify(key)}: ${format(inner, deeper)}`,
      );
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

function inline(value) {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value).map(([key, inner]) => {
    return `${JSON.stringify(key)}: ${inline(inner)}`;
  });
  return members.length ? `{ ${members.join(', ')} }` : '{}';
}

/** Lines that differ (`-` expected, `+` actual) with a little of what stands around them. */
function difference(expected, actual) {
  const rows = align(format(expected).split('\n'), format(actual).split('\n'));
  const near = (index) =>
    rows.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(([sign]) => sign !== ' ');
  const shown = [];
  rows.forEach(([sign, line], index) => {
    if (near(index)) shown.push(`${sign} ${line}`);
    else if (shown.at(-1) !== '  …') shown.push('  …');
  });
  return shown.join('\n');
}

/** The longest common subsequence, line by line, of what stands between equal head and tail. */
function align(a, b) {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  const shorter = Math.min(a.length, b.length) - head;
  while (tail < shorter && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1;
  const same = (lines) => lines.map((line) => [' ', line]);
  return [
    ...same(a.slice(0, head)),
    ...alignMiddle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(tail ? a.slice(-tail) : []),
  ];
}

function alignMiddle(a, b) {
  const longest = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const skip = Math.max(longest[i + 1][j], longest[i][j + 1]);
      longest[i][j] = a[i] === b[j] ? longest[i + 1][j + 1] + 1 : skip;
    }
  }
  const rows = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      rows.push([' ', a[i]]);
      [i, j] = [i + 1, j + 1];
    } else if (j === b.length || (i < a.length && longest[i + 1][j] >= longest[i][j + 1])) {
      rows.push(['-', a[i]]);
      i += 1;
    } else {
      rows.push(['+', b[j]]);
      j += 1;
    }
  }
  return rows;
}

module.exports = { format, difference };
