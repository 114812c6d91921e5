/** Options and environment in the form that the native side validates. */
'use strict';

const LEVELS = ['info', 'warn', 'error'];

/**
 * JSON of the options that the native side knows. Values that JSON cannot hold become arrays, which
 * no option takes, so that they are refused by name instead of passing for missing ones.
 */
function optionsJson(options) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw new TypeError('options: must be an object');
  }
  const { mongoose, logger, strict, ...rest } = options;
  checkMongoose(mongoose);
  checkLogger(logger);
  if (strict != null && typeof strict !== 'boolean') {
    throw new TypeError('strict: must be true or false');
  }
  try {
    return JSON.stringify(rest, (_key, value) => (isPlain(value) ? value : []));
  } catch {
    throw new TypeError('options: must hold plain values');
  }
}

function isPlain(value) {
  if (typeof value === 'number') return Number.isFinite(value);
  return !['function', 'symbol', 'bigint'].includes(typeof value);
}

function checkMongoose(mongoose) {
  if (mongoose == null) return;
  const connection = mongoose?.connection ?? mongoose;
  if (typeof connection?.readyState !== 'number') {
    throw new TypeError('mongoose: must be a mongoose instance or one of its connections');
  }
}

function checkLogger(logger) {
  if (logger == null || logger === false) return;
  if (!LEVELS.every((level) => typeof logger?.[level] === 'function')) {
    throw new TypeError('logger: must be false or have the functions info, warn and error');
  }
}

/**
 * JSON of the environment variables that mean something here. Those that name a database do not when
 * the host has named its mongoose.
 */
function environmentJson({ mongoose }) {
  const databases = ['ANALYTICS_MONGODB_URI', 'MONGODB_URI', 'MONGO_URI'];
  const isWanted = (name) =>
    databases.includes(name) ? mongoose == null : name.startsWith('ANALYTICS_');
  const entries = Object.entries(process.env).filter(([name]) => isWanted(name));
  return JSON.stringify(Object.fromEntries(entries));
}

/** A function that writes one line; a logger that throws is not listened to. */
function lineWriter(logger) {
  return (level, text) => {
    if (logger === false) return;
    const line = `[ANALYTICS] ${text}`;
    try {
      if (logger) logger[level](line);
      else if (level === 'info') console.log(line);
      else console[level](line);
    } catch {
      // The host's own logger failed; nothing of ours is lost by that.
    }
  };
}

module.exports = { optionsJson, environmentJson, lineWriter };
