/**
 * State of a replay: up to which event the destination is done, in a file that survives a kill.
 *
 * It is a file beside whoever runs the command, and not in the database or the spool: the replay of one operator on
 * one computer concerns no process of the game, the user of the database may only read, and a file can be looked at
 * and removed. It holds no secret. It is replaced as a whole, after its bytes are on disk, and removed at the end.
 */
'use strict';

const fs = require('node:fs');
const { UsageError } = require('../arguments.js');

/**
 * @typedef {object} Position the events from a moment on, but for those
 * @property {number} fromMs
 * @property {string[]} passed `_id`s of events of that moment that are done
 */

class State {
  /**
   * @param {string} file
   * @param {import('./plan.js').Plan} plan
   */
  constructor(file, { destination, fromMs, toMs, names }) {
    this.file = file;
    this.plan = {
      destination,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      events: names.toSorted(),
    };
    /** @type {Position} */
    this.position = { fromMs, passed: [] };
    this.isResumed = false;
    this.read();
  }

  /** Goes on where an earlier run ended, if it was of the same plan. */
  read() {
    const text = textOf(this.file);
    if (text === undefined) return;
    const { replay, done } = parsed(text) ?? {};
    const fromMs = Date.parse(done?.upTo);
    if (replay === undefined || Number.isNaN(fromMs) || !Array.isArray(done.passed)) {
      throw this.problem('is not the state of a replay');
    }
    if (JSON.stringify(replay) !== JSON.stringify(this.plan)) {
      throw this.problem('is the state of another replay, with other arguments');
    }
    this.position = { fromMs, passed: done.passed };
    this.isResumed = true;
  }

  /** @param {string} problem */
  problem(problem) {
    return new UsageError(
      `${this.file} ${problem}: finish that one, remove the file to begin anew, or give another one by --state`,
    );
  }

  /** @param {Position} position up to which the destination is done */
  save(position) {
    this.position = position;
    const done = { upTo: new Date(position.fromMs).toISOString(), passed: position.passed };
    const beside = `${this.file}.tmp`;
    const handle = this.attempt(() => fs.openSync(beside, 'w', 0o600));
    try {
      this.attempt(() => {
        fs.writeSync(handle, `${JSON.stringify({ replay: this.plan, done }, null, 2)}\n`);
        fs.fsyncSync(handle);
      });
    } finally {
      fs.closeSync(handle);
    }
    this.attempt(() => fs.renameSync(beside, this.file));
  }

  /** All is done. */
  remove() {
    this.attempt(() => fs.rmSync(this.file, { force: true }));
  }

  /**
   * @template T
   * @param {() => T} write
   */
  attempt(write) {
    try {
      return write();
    } catch (error) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      throw new Error(
        `${this.file} cannot be written (${code}), so an interrupted replay would begin anew: give a file by --state`,
      );
    }
  }
}

/** @param {string} file */
function textOf(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === 'ENOENT') return undefined;
    throw new UsageError(`${file} cannot be read: ${code}`);
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

module.exports = { State };
