// What the sources know: options with their bounds, reasons, events, error codes. Read as text, so
// that nobody has to write a second list.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..', '..');

/** A source file without its tests. */
function read(name) {
  return fs.readFileSync(path.join(ROOT, name), 'utf8').split('#[cfg(test)]\nmod tests {')[0];
}

function all(text, pattern) {
  return [...text.matchAll(pattern)].map((match) => match[1]);
}

/** Every Rust file below src. */
function rustFiles(folder = 'src') {
  return fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return rustFiles(name);
    return entry.name.endsWith('.rs') && entry.name !== 'tests.rs' ? [name] : [];
  });
}

const config = ['settings', 'collections', 'counters', 'funnels', 'purchases', 'reports', 'source']
  .map((name) => read(`src/config/${name}.rs`))
  .join('\n');
const destinations = ['settings', 'list', 'fields']
  .map((name) => read(`src/config/destinations/${name}.rs`))
  .join('\n');
const UNITS = { KIB: 1024, MIB: 1024 ** 2, DAY_MS: 86_400_000 };
const UNIT = /^(?:KIB|MIB|DAY_MS)$/;

/** The value of `500`, `3_600_000` or `64 * KIB * MIB`. */
function product(text) {
  const factors = text.split('*').map((factor) => factor.trim());
  const numberOf = (one) => (UNIT.test(one) ? UNITS[one] : Number(one.replaceAll('_', '')));
  return factors.reduce((value, one) => value * numberOf(one), 1);
}

function arrayOf(text, name) {
  const [, list] = new RegExp(`const ${name}:[^=]*=\\s*\\[([^\\]]*)\\]`).exec(text);
  return all(list, /"([\w-]+)"/g);
}

/** Options that JavaScript evaluates: those the native side leaves to it, those it takes out. */
const javascriptOptions = arrayOf(config, 'JAVASCRIPT_OPTIONS');
const takenOut = /const \{ ([\w, ]+), \.\.\.rest \} = options/.exec(read('lib/options.js'))[1];
const optionsInJavaScript = takenOut.split(', ');

const nativeOptions = [
  ...all(config, /\.(?:text|option|integer|millis|checked|choice)\(\s*"(\w+)"/g),
  ...all(destinations, /source\.option\("(\w+)"/g),
];

const NUMERIC =
  /\.(?:integer|millis)\(\s*"(\w+)",\s*(?:None|Some\("(\w+)"\)),\s*([\w *]+),\s*([\w *]+)\.\.=([\w *]+)/g;

/** `[{ name, variable, fallback, min, max }]` */
const numericOptions = [...config.matchAll(NUMERIC)].map(([, name, variable, ...numbers]) => {
  const [fallback, min, max] = numbers.map(product);
  return { name, variable, fallback, min, max };
});

const FIELD = /\.(?:integer|millis)\(\s*"(\w+)",\s*([\w *]+),\s*([\w *]+)\.\.=([\w *]+)/g;

/** The same of a destination, without variables. */
const destinationNumbers = [...destinations.matchAll(FIELD)].map(([, name, ...numbers]) => {
  const [fallback, min, max] = numbers.map(product);
  return { name, fallback, min, max };
});

const TEXT =
  /(?:let env = "(\w+)";\s*)?(?:let \w+ = )?source\.(?:checked|choice|text)\(\s*"(\w+)",\s*(?:env|"(\w+)")/g;

/** `[{ name, variable }]` of the options that hold a text. */
const textOptions = [...config.matchAll(TEXT)].map(([, named, name, inline]) => {
  return { name, variable: named ?? inline };
});

const CHOICE = /source\.choice\(\s*"(\w+)",\s*"\w+",\s*\["(\w+)", "(\w+)"\]/g;

/** `[name, words]` of the options that are one of two words. */
const choices = [...config.matchAll(CHOICE)].map(([, name, ...words]) => [name, words]);

const [, webhookVariable] = /\("url", "(\w+)"\)/.exec(destinations);
textOptions.push({ name: 'webhookUrl', variable: webhookVariable });

const variables = all(config + destinations, /"(ANALYTICS_\w+)"/g);

const [, defaults] = /impl Default for Collections \{([\s\S]*?)\n\}/.exec(config);
/** `[key, default name]` */
const collections = [...defaults.matchAll(/(\w+): "(\w+)"/g)].map(([, key, name]) => [key, name]);

/** Rows of a page's tables whose first cell is code: `[cell, …]`, without the backticks. */
function rowsOf(page) {
  const lines = read(page).split('\n');
  const cells = (line) => line.split('|').slice(1, -1);
  const rows = lines.filter((line) => line.startsWith('| `')).map(cells);
  return rows.map((row) => row.map((cell) => cell.trim().replaceAll('`', '')));
}

const configuration = rowsOf('docs/configuration.md');
/** What the documented tables of options say: `[{ name, defaultText, bounds }]`. */
const documentedOptions = configuration
  .filter((cells) => cells.length === 4)
  .map(([name, defaultText, bounds]) => ({ name, defaultText, bounds }));
/** Documented variables, each with what is said of it: `[variable, text]`. */
const documentedVariables = configuration.filter(([name]) => name.startsWith('ANALYTICS_'));

/** Defaults of a destination's fields, as documented: `[{ name, defaultText }]`. */
const documentedFields = rowsOf('docs/forwarding.md')
  .filter((cells) => cells.length === 3)
  .map(([name, defaultText]) => ({ name, defaultText }));

/** Methods in the README's table, one or several in a row. */
const methodsInReadme = rowsOf('README.md').flatMap(([first]) =>
  /^\w+\(.*\)$/.test(first) ? all(first, /(\w+)\(/g) : [],
);

/** Texts in the code that rejects records; reasons are among them. */
const encoding = ['bson', 'elements', 'special', 'official', 'frame', 'track-options', 'stage'].map(
  (name) => read(`lib/encode/${name}.js`),
);
const textsOfRejections = new Set(all(encoding.join('\n'), /'([a-z][a-z0-9_]*)'/g));

/** The members of a union that is generated from the native side. */
function nativeUnion(name) {
  const [, members] = new RegExp(`export type ${name} = (.*)`).exec(read('native.d.ts'));
  return all(members, /'(\w+)'/g);
}

const database = read('src/instance/database_status.rs');
const everything = rustFiles().map(read).join('\n');

/** Reasons and states by the field of the health report under which they are counted. */
const reasons = {
  rejected: nativeUnion('RejectReason'),
  warnings: [...nativeUnion('WarningReason'), ...all(everything, /\.warn\(\s*"(\w+)"/g)],
  dropped: all(everything, /\.drop_records\(\s*"(\w+)"/g),
  totals: arrayOf(database, 'TOTALS_STATES'),
  history: arrayOf(database, 'HISTORY_STATES'),
  destinationDropped: all(everything, /\.drop_events\(\s*"(\w+)"/g),
  circuit: arrayOf(read('src/forward/destination/circuit_breaker.rs'), 'CIRCUIT_STATES'),
  spool: arrayOf(read('src/instance/spool_report.rs'), 'SPOOL_STATES'),
};
reasons.rejected.push(...all(everything, /\.reject\(\s*"(\w+)"/g));

const counters = read('src/record/counters.rs');
const countedEvents = all(counters, /\bcounted\("([\w.]+)"/g);
const totals = all(counters, /^ {4}\w+ "(\w+)",$/gm);
/** Those of promises, then those of the constructor. */
const errorCodes = ['src/instance/error.rs', 'src/addon/error.rs'].flatMap((file) =>
  all(read(file), /"(ANALYTICS_\w+)"/g),
);

module.exports = {
  ROOT,
  ...{ javascriptOptions, optionsInJavaScript, nativeOptions, numericOptions, variables },
  destinationNumbers,
  ...{ collections, reasons, countedEvents, totals, errorCodes, textOptions, choices },
  ...{
    documentedOptions,
    documentedVariables,
    documentedFields,
    methodsInReadme,
    textsOfRejections,
  },
};
