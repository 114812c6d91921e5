// How sides and numbers are written, in tables and in pictures.
'use strict';

const TITLES = {
  noop: '`track()` that does nothing',
  reference: 'replaced class',
  driver: 'plain JavaScript, `insertMany`',
  driverRaw: 'plain JavaScript, command',
  rust: 'pure Rust, `insert_many`',
  rustRaw: 'pure Rust, command',
  addon: 'this package',
};

function whole(value) {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ');
}

function onePlace(value) {
  return value.toFixed(1);
}

function twoPlaces(value) {
  return value.toFixed(2);
}

function cell(found, show) {
  if (found === undefined) return '–';
  return `${show(found.median)} (${show(found.min)}–${show(found.max)})`;
}

function markdown([head, ...rows]) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

module.exports = { TITLES, cell, markdown, onePlace, twoPlaces, whole };
