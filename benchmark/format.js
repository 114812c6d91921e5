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

module.exports = { TITLES, onePlace, twoPlaces, whole };
