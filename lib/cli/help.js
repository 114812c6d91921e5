/**
 * Help, out of what the commands say about themselves.
 */
'use strict';

const { COMMON } = require('./arguments.js');
const { COMMANDS } = require('./commands/index.js');

/** @typedef {import('./commands/index.js').Command} Command */

const WIDTH = 96;

function overview() {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary]);
  return `Figures of a game, out of the MongoDB that gso-analytics writes to.

Usage: gso-analytics <command> [options]

Commands:
${table(rows)}

gso-analytics help <command> says more about each, gso-analytics --version which version this is.

Options of all commands:
${optionTable(COMMON)}

Begin with:
  export ANALYTICS_MONGODB_URI=mongodb://127.0.0.1:27017/game
  npx gso-analytics doctor

Results go to stdout, progress and problems to stderr. Exit code: 0 done, 1 failed or something
is wrong, 2 wrong usage.
`;
}

/**
 * @param {string} name
 * @param {Command} command
 */
function helpOf(name, { summary, description, examples, options = {}, arguments: args = [] }) {
  const usage = ['gso-analytics', name, ...args, '[options]'].join(' ');
  const own = Object.keys(options).length === 0 ? '' : `\nOptions:\n${optionTable(options)}\n`;
  return `${summary}.

Usage: ${usage}

${description.trim()}
${own}
Options of all commands:
${optionTable(COMMON)}

Examples:
${examples.map((line) => `  ${line}`).join('\n')}
`;
}

/** @param {import('./commands/index.js').Options} options */
function optionTable(options) {
  const rows = Object.entries(options).map(([name, { value, help }]) => [
    `--${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  ]);
  return table(rows);
}

/**
 * Two columns, the second one broken into lines.
 *
 * @param {string[][]} rows
 */
function table(rows) {
  const left = Math.max(...rows.map(([name]) => name.length)) + 4;
  return rows.map(([name, text]) => `  ${name.padEnd(left - 2)}${broken(text, left)}`).join('\n');
}

/** @type {(text: string, left: number) => string} */
function broken(text, left) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1];
    if (line.length + word.length + 1 > WIDTH - left) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join(`\n${' '.repeat(left)}`);
}

module.exports = { helpOf, overview };
