// The dynamic symbols of a binary, and what they have to be in one that is published.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const { isDll, symbolsOfDll } = require('./dll');
const { isMachO, symbolsOfMachO } = require('./mach-o');

/** What Node's own binaries need. */
const NEWEST_GLIBC = '2.28';
/** By which Node finds the addon; it is told of everything else by that function. */
const EXPORTED = ['napi_register_module_v1'];
/** What a process of Node has. */
const OF_NODE = /^(?:napi|node_api)_/;
/** Part of every Linux that runs Node, with glibc or with musl. */
const OF_LINUX =
  /^(?:ld-linux-.*\.so\.\d+|lib(?:c|dl|gcc_s|m|pthread|rt)\.so\.\d+|libc(?:\.musl-\w+)?\.so(?:\.1)?)$/;
/** Part of every Windows that runs Node. Those of Visual C++ (`vcruntime140.dll`) are not. */
const OF_WINDOWS =
  /^(?:advapi32|api-ms-win-core-[\w-]+|bcrypt(?:primitives)?|iphlpapi|kernel32|ktmw32|msvcrt|ntdll|oleaut32|userenv|ws2_32)\.dll$/i;
/** Part of every macOS. */
const OF_MACOS =
  /^\/(?:usr\/lib\/lib(?:System\.B|iconv\.2)\.dylib|System\/Library\/Frameworks\/(\w+)\.framework\/Versions\/A\/\1)$/;

/** Columns of `readelf --dyn-syms`: number, value, size, type, binding, visibility, section, name. */
const SYMBOL = /^\s*\d+:\s+[0-9a-f]+(?:\s+\S+){4}\s+(\S+)\s+([^\s@]+)(?:@+(\S+))?/gm;
const NEEDED = /\(NEEDED\).*\[(.*)\]/g;
/** Those of libraries, in `readelf --version-info`; some belong to no symbol. */
const VERSION = /^\s+0x[0-9a-f]+:\s+Name: (\S+)\s+Flags:/gm;

function readelf(...args) {
  const env = { ...process.env, LC_ALL: 'C' };
  const options = { encoding: 'utf8', env, maxBuffer: 2 ** 26 };
  return execFileSync('readelf', ['--wide', ...args], options);
}

function symbolsOfElf(file) {
  const text = readelf('--dyn-syms', '--dynamic', file);
  const symbols = [...text.matchAll(SYMBOL)].map(([, section, name, version]) => {
    return { name, version, isImported: section === 'UND' };
  });
  return {
    imported: symbols.filter((symbol) => symbol.isImported),
    exported: symbols.filter((symbol) => !symbol.isImported).map(({ name }) => name),
    needed: [...text.matchAll(NEEDED)].map(([, library]) => library),
    versions: [...readelf('--version-info', file).matchAll(VERSION)].map(([, version]) => version),
  };
}

/**
 * `{ imported: [{ name, version, isInAny }], exported: [name], needed: [library], versions: [name], title }`;
 * `isInAny` and `title` as in mach-o.js.
 */
function symbolsOf(file) {
  const bytes = fs.readFileSync(file);
  if (isMachO(bytes)) return { ...symbolsOfMachO(bytes), versions: [] };
  if (isDll(bytes)) return { ...symbolsOfDll(bytes), imported: [], versions: [] };
  return symbolsOfElf(file);
}

/** What macOS would not find before somebody calls it. */
const inNoLibrary = ({ imported }) =>
  imported.filter(({ name, isInAny }) => isInAny && !OF_NODE.test(name));

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

/** A version without a number is of a later glibc, as that of relative relocations, or of its inside. */
const isUnnumbered = (version) => /^GLIBC_(?![\d.]+$)/.test(version);

const isOfSystem = (library) =>
  [OF_LINUX, OF_MACOS, OF_WINDOWS].some((libraries) => libraries.test(library));

/** What keeps a binary from being published, as lines. One for musl has no versions. */
function problemsOf(symbols) {
  const { exported, needed, versions, title = '' } = symbols;
  return [
    ...newerThan(NEWEST_GLIBC, symbols).map(
      ({ name, version }) => `${name} needs ${version}, newer than ${NEWEST_GLIBC}`,
    ),
    ...inNoLibrary(symbols).map(({ name }) => `finds ${name} in no library`),
    ...versions.filter(isUnnumbered).map((version) => `needs ${version}`),
    ...exported.filter((name) => !EXPORTED.includes(name)).map((name) => `exports ${name}`),
    ...EXPORTED.filter((name) => !exported.includes(name)).map((name) => `lacks ${name}`),
    ...needed.filter((name) => !isOfSystem(name)).map((name) => `needs the library ${name}`),
    // By default it is the path of the linker's output.
    ...(title.includes('/')
      ? [`is called ${title}, which names the machine that has built it`]
      : []),
    ...(needed.length > 0 ? [] : ['needs no library, not even that of the system']),
  ];
}

module.exports = { EXPORTED, NEWEST_GLIBC, newerThan, problemsOf, symbolsOf };
