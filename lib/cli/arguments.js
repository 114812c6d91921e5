/**
 * Arguments of a command, checked. No message quotes a value, which may be a connection string.
 */
'use strict';

const { parseArgs } = require('node:util');

/** The command was called in a way that it does not know. */
class UsageError extends Error {}

/**
 * Options of all commands.
 *
 * @type {import('./commands/index.js').Options}
 */
const COMMON = {
  uri: {
    type: 'string',
    value: '<uri>',
    help: 'connection string of MongoDB. Better set ANALYTICS_MONGODB_URI: lists of processes show arguments',
  },
  database: {
    type: 'string',
    value: '<name>',
    help: 'name of the database, if the connection string has none; else ANALYTICS_MONGODB_DATABASE',
  },
  options: {
    type: 'string',
    value: '<file>',
    help: 'JSON file with those options of the game that are not default: collections, counters, currencies, …',
  },
  help: { type: 'boolean', help: 'shows this' },
};

/**
 * @param {string} name
 * @param {import('./commands/index.js').Command} command
 * @param {string[]} args
 * @returns {{ values: Record<string, any>, positionals: string[] }}
 * @throws {UsageError}
 */
function parse(name, command, args) {
  const advice = `gso-analytics ${name} --help shows what there is`;
  const options = { ...COMMON, ...command.options };
  const known = Object.entries(options).map(([option, { type, multiple = false }]) => [
    option,
    { type, multiple },
  ]);
  /** @type {any} */
  let parsed;
  try {
    parsed = parseArgs({ args, options: Object.fromEntries(known), allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${problemOf(error)}: ${advice}`);
  }
  const wanted = command.arguments ?? [];
  if (!parsed.values.help && parsed.positionals.length !== wanted.length) {
    const what = wanted.length === 0 ? 'no argument' : `one argument, ${wanted.join(' ')}`;
    throw new UsageError(`${name} takes ${what}: ${advice}`);
  }
  return parsed;
}

/**
 * The first sentence of the message. An option that is not known may be a connection string.
 *
 * @param {any} error of `parseArgs`
 */
function problemOf({ code, message }) {
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return message.split('. ')[0];
  const name = /^Unknown option '(--?[\w-]{1,20})/.exec(message)?.[1];
  return name === undefined ? 'Unknown option' : `Unknown option '${name}'`;
}

module.exports = { COMMON, UsageError, parse };
