// What becomes of a run: its Markdown is printed; `--save` keeps its numbers and pictures in `results/`
// and the Markdown in the README; `--report` makes both anew out of the numbers that were kept.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { draw } = require('./charts');
const { lastRun } = require('./tables');

const FOLDER = path.join(__dirname, 'results');
const NUMBERS = path.join(FOLDER, 'results.json');
const README = path.join(__dirname, 'README.md');
const BEGIN = '<!-- last run -->';
const END = '<!-- end of last run -->';

function report(results, { save }) {
  console.log(`\n${lastRun(results)}`);
  if (!save) return;
  fs.mkdirSync(FOLDER, { recursive: true });
  fs.writeFileSync(NUMBERS, `${JSON.stringify(results, null, 2)}\n`);
  reportSaved();
}

/** Always from the file: what is shown is what is kept. */
function reportSaved() {
  const results = JSON.parse(fs.readFileSync(NUMBERS, 'utf8'));
  const pictures = draw(results);
  removePictures();
  for (const { name, svg } of pictures) fs.writeFileSync(path.join(FOLDER, `${name}.svg`), svg);
  const readme = fs.readFileSync(README, 'utf8');
  fs.writeFileSync(README, between(readme, lastRun(results, pictures)));
  console.log('written: benchmark/README.md and its pictures');
}

/** A run without curves must not stand beside the curves of another. */
function removePictures() {
  const old = fs.readdirSync(FOLDER).filter((name) => name.endsWith('.svg'));
  for (const name of old) fs.rmSync(path.join(FOLDER, name));
}

/** `text` with another run between the two marks. */
function between(text, run) {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`benchmark/README.md needs ${BEGIN} and, after it, ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${run}\n${text.slice(end)}`;
}

module.exports = { report, reportSaved };
