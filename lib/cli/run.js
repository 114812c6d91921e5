/**
 * A run of the command: arguments in, exit code out.
 *
 * Exit codes: 0 when it is done, 1 when it failed or found that something is wrong, 2 for wrong usage.
 */
'use strict';

const { UsageError, parse } = require('./arguments.js');
const { COMMANDS } = require('./commands/index.js');
const { Context } = require('./context.js');
const { helpOf, overview } = require('./help.js');
const { version } = require('../../package.json');

const OK = 0;
const FAILED = 1;
const USAGE = 2;

/**
 * @param {string[]} argv
 * @param {{ stdout: NodeJS.WritableStream, stderr: NodeJS.WritableStream, env: NodeJS.ProcessEnv }} process
 * @returns {Promise<number>} never rejects
 */
async function run(argv, { stdout, stderr, env }) {
  try {
    const [name, ...rest] = argv;
    if (name === '--version') {
      stdout.write(`${version}\n`);
      return OK;
    }
    if (name === undefined || name.startsWith('-') || name === 'help') {
      return tellHelp(argv, { stdout, stderr });
    }
    const command = commandOf(name);
    const { values, positionals } = parse(name, command, rest);
    if (values.help) {
      stdout.write(helpOf(name, command));
      return OK;
    }
    return await runCommand(command, new Context({ values, positionals, env, stdout, stderr }));
  } catch (error) {
    return tell(error, stderr);
  }
}

/**
 * @param {import('./commands/index.js').Command} command
 * @param {Context} context
 */
async function runCommand(command, context) {
  try {
    return (await command.run(context)) ?? OK;
  } finally {
    await context.close();
  }
}

/**
 * @param {string[]} argv
 * @param {{ stdout: NodeJS.WritableStream, stderr: NodeJS.WritableStream }} streams
 */
function tellHelp([first, name], { stdout, stderr }) {
  if (first === undefined) {
    stderr.write(overview());
    return USAGE;
  }
  if (!['help', '--help', '-h'].includes(first)) {
    throw new UsageError('the first argument must be a command: gso-analytics --help lists them');
  }
  stdout.write(name === undefined ? overview() : helpOf(name, commandOf(name)));
  return OK;
}

/** @param {string} name */
function commandOf(name) {
  if (Object.hasOwn(COMMANDS, name)) return COMMANDS[name];
  // Nothing is quoted that may be a connection string.
  const what = /^[\w-]{1,20}$/.test(name) ? `unknown command ${name}` : 'unknown command';
  throw new UsageError(`${what}: gso-analytics --help lists them`);
}

/**
 * @param {any} error of this command, or of the package, whose messages hold no secrets
 * @param {NodeJS.WritableStream} stderr
 */
function tell(error, stderr) {
  stderr.write(`gso-analytics: ${error?.message ?? error}\n`);
  // The package names the option that it refuses.
  const isOption = error instanceof TypeError && /^[\w.]+: /.test(error.message);
  return error instanceof UsageError || isOption ? USAGE : FAILED;
}

module.exports = { run };
