/**
 * What a command works with: its arguments, the environment, where results and progress go, and the database.
 */
'use strict';

const { once } = require('node:events');
const fs = require('node:fs');
const { UsageError } = require('./arguments.js');

/** Work that takes less says nothing. */
const QUIET_MS = 1_000;
const TELL_EVERY_MS = 5_000;
/** Longest time of one request to the database. */
const REQUEST_MS = 30_000;
/** Variables of a game that name its database, the first that is set counts. */
const URI_VARIABLES = ['ANALYTICS_MONGODB_URI', 'MONGODB_URI', 'MONGO_URI'];

/**
 * @typedef {import('./reader.js').Reader} Reader
 *
 * @typedef {object} Given
 * @property {Record<string, any>} values of options, by their names
 * @property {string[]} positionals
 * @property {NodeJS.ProcessEnv} env
 * @property {NodeJS.WritableStream} stdout
 * @property {NodeJS.WritableStream} stderr
 */

class Context {
  /** @param {Given} given */
  constructor({ values, positionals, env, stdout, stderr }) {
    this.values = values;
    this.positionals = positionals;
    this.env = env;
    this.stdout = stdout;
    this.stderr = stderr;
    /** @type {Reader[]} */
    this.readers = [];
    /** @type {string | undefined} */
    this.knownUri = undefined;
  }

  /**
   * A line of the result. Resolves when there is room for more.
   *
   * @param {string} line
   */
  async out(line) {
    if (!this.stdout.write(`${line}\n`)) await once(this.stdout, 'drain');
  }

  /**
   * A line about how it goes.
   *
   * @param {string} line
   */
  progress(line) {
    this.stderr.write(`${line}\n`);
  }

  /**
   * Waits for work, and tells after a second what it is waited for, then every 5 s.
   *
   * @template T
   * @param {() => string} what
   * @param {Promise<T>} work
   * @returns {Promise<T>}
   */
  async during(what, work) {
    const begun = Date.now();
    const tell = () => this.progress(`${what()} (${Math.round((Date.now() - begun) / 1000)} s) …`);
    let timer = setTimeout(() => {
      tell();
      timer = setInterval(tell, TELL_EVERY_MS);
    }, QUIET_MS);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * The database of the game, opened to be read. It is connected to when it is first asked.
   *
   * @param {object} [wanted]
   * @param {boolean} [wanted.makesReports] reports that are due, and that of today, are made and stored, if the
   *   user of the connection has the rights; else nothing is written
   * @param {object} [wanted.options] of the class that the command knows better than the file
   * @param {string} [wanted.destination] the name of the one to which stored events are forwarded
   * @param {boolean} [wanted.needsDatabase]
   * @returns {Reader}
   */
  reader({ makesReports = false, options = {}, destination, needsDatabase = true } = {}) {
    // The addon is loaded by the commands that need it.
    const { Reader } = require('./reader.js');
    const line = (/** @type {string} */ text) => this.progress(text);
    const given = {
      operationTimeoutMs: REQUEST_MS,
      ...this.fileOptions(),
      ...options,
      uri: needsDatabase ? this.uri : undefined,
      ...(this.values.database !== undefined && { database: this.values.database }),
      ...(!makesReports && { reports: /** @type {const} */ ('off') }),
      logger: { info() {}, warn: line, error: line },
    };
    const how = { destination, learns: this.values.options === undefined };
    const reader = new Reader(/** @type {any} */ (given), how);
    this.readers.push(reader);
    return reader;
  }

  get uri() {
    this.knownUri ??= this.findUri();
    return this.knownUri;
  }

  /** @returns {string} */
  findUri() {
    const given = this.values.uri;
    if (given !== undefined) {
      if (/\/\/[^/@]*:[^/@]*@/.test(given)) {
        this.progress(
          'the password in --uri is in the history of the shell, and was shown in lists of processes: ' +
            'set ANALYTICS_MONGODB_URI instead',
        );
      }
      return given;
    }
    const uri = URI_VARIABLES.map((name) => this.env[name]).find(Boolean);
    if (uri !== undefined) return uri;
    throw new UsageError(
      'which database? Set ANALYTICS_MONGODB_URI, as mongodb://127.0.0.1:27017/game, or give --uri',
    );
  }

  /** Options of the game that are not default. */
  fileOptions() {
    const { options: file } = this.values;
    if (file === undefined) return {};
    const options = parsed(readText(file));
    if (typeof options === 'object' && options !== null && !Array.isArray(options)) return options;
    throw new UsageError(
      '--options: the file must hold a JSON object, as {"currencies": ["gold"]}',
    );
  }

  async close() {
    await Promise.all(this.readers.map((reader) => reader.stop()));
  }
}

/** @param {string} file */
function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    // Its message has the path, which may be a connection string in the wrong place.
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new UsageError(`--options: the file cannot be read: ${code}`);
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Its message has a part of the file, in which secrets may be.
    const { message } = /** @type {Error} */ (error);
    const position = /\bat (position \d+)/.exec(message)?.[1];
    throw new UsageError(`--options: the file is not JSON${position ? `, at ${position}` : ''}`);
  }
}

module.exports = { Context };
