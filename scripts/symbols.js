// The dynamic symbols of a Linux binary, and what they have to be in one that is published.
'use strict';

const { execFileSync } = require('node:child_process');

/** What Node's own binaries need. */
const NEWEST_GLIBC = '2.28';
/** By which Node finds the addon; it is told of everything else by that function. */
const EXPORTED = ['napi_register_module_v1'];
/** Part of every system with glibc that runs Node. */
const LIBRARIES = /^(?:ld-linux-.*|lib(?:c|dl|gcc_s|m|pthread|rt))\.so\.\d+$/;

/** Columns of `readelf --dyn-syms`: number, value, size, type, binding, visibility, section, name. */
const SYMBOL = /^\s*\d+:\s+[0-9a-f]+(?:\s+\S+){4}\s+(\S+)\s+([^\s@]+)(?:@+(\S+))?/gm;
const NEEDED = /\(NEEDED\).*\[(.*)\]/g;

/** `{ imported: [{ name, version }], exported: [name], needed: [library] }` */
function symbolsOf(file) {
  const args = ['--wide', '--dyn-syms', '--dynamic', file];
  const env = { ...process.env, LC_ALL: 'C' };
  const text = execFileSync('readelf', args, { encoding: 'utf8', env, maxBuffer: 2 ** 26 });
  const symbols = [...text.matchAll(SYMBOL)].map(([, section, name, version]) => {
    return { name, version, isImported: section === 'UND' };
  });
  return {
    imported: symbols.filter((symbol) => symbol.isImported),
    exported: symbols.filter((symbol) => !symbol.isImported).map(({ name }) => name),
    needed: [...text.matchAll(NEEDED)].map(([, library]) => library),
  };
}

/** Of the imported symbols those that glibc has only after `newest`. */
function newerThan(newest, { imported }) {
  return imported.filter(({ version }) => {
    const [, number] = /^GLIBC_([\d.]+)$/.exec(version ?? '') ?? [];
    return number !== undefined && isNewer(number, newest);
  });
}

function isNewer(version, other) {
  const parts = other.split('.').map(Number);
  const numbers = version.split('.').map(Number);
  const at = numbers.findIndex((number, index) => number !== (parts[index] ?? 0));
  return at !== -1 && numbers[at] > (parts[at] ?? 0);
}

/** What keeps a binary for glibc from being published, as lines. */
function problemsOf(symbols) {
  const { exported, needed } = symbols;
  return [
    ...newerThan(NEWEST_GLIBC, symbols).map(
      ({ name, version }) => `${name} needs ${version}, newer than ${NEWEST_GLIBC}`,
    ),
    ...exported.filter((name) => !EXPORTED.includes(name)).map((name) => `exports ${name}`),
    ...EXPORTED.filter((name) => !exported.includes(name)).map((name) => `lacks ${name}`),
    ...needed.filter((name) => !LIBRARIES.test(name)).map((name) => `needs the library ${name}`),
  ];
}

module.exports = { EXPORTED, NEWEST_GLIBC, newerThan, problemsOf, symbolsOf };
