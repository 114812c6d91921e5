// The recorded observations: one JSON file per group of scenarios, made by record.js only.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { format } = require('./format');

const FOLDER = path.join(__dirname, 'expected');

function fileOf(group) {
  return path.join(FOLDER, `${group}.json`);
}

/** `{ recordedWith, scenarios: { <name>: observation } }` */
function readExpectations(group) {
  return JSON.parse(fs.readFileSync(fileOf(group), 'utf8'));
}

function writeExpectations(group, recorded) {
  fs.mkdirSync(FOLDER, { recursive: true });
  fs.writeFileSync(fileOf(group), `${format(recorded)}\n`);
}

module.exports = { readExpectations, writeExpectations };
