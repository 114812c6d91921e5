// The dynamic symbols of a binary for macOS, of which no tool of Linux tells. The format is that of <mach-o/loader.h>
// and <mach-o/nlist.h>: numbers of 32 bits, little-endian.
'use strict';

const MAGIC = 0xfeedfacf;
const HEADER_BYTES = 32;
const SYMBOL_BYTES = 16;
/** Load commands. */
const SYMTAB = 0x2;
/** What the binary is called by those that are linked with it. */
const ID_DYLIB = 0xd;
const LOAD_DYLIB = [0xc, 0x80000018, 0x8000001f];
/** Bits of the type of a symbol. */
const [DEBUG, PRIVATE, DEFINED, EXTERNAL] = [0xe0, 0x10, 0x0e, 0x01];
/** In place of the number of a library: looked up in whatever the process has loaded. The linker of zig writes 0. */
const IN_ANY = [0xfe, 0];

const isMachO = (bytes) => bytes.readUInt32LE(0) === MAGIC;

const textAt = (bytes, start) => bytes.toString('latin1', start, bytes.indexOf(0, start));

/** `[{ command, start }]` */
function commandsOf(bytes) {
  const commands = [];
  let start = HEADER_BYTES;
  for (let left = bytes.readUInt32LE(16); left > 0; left--) {
    commands.push({ command: bytes.readUInt32LE(start), start });
    start += bytes.readUInt32LE(start + 4);
  }
  return commands;
}

/** `[{ name, isDefined, isInAny }]` of those that are not the binary's own. */
function externalSymbols(bytes, table) {
  const [symbols, count, names] = [8, 12, 16].map((at) => bytes.readUInt32LE(table + at));
  return Array.from({ length: count }, (_, index) => symbols + index * SYMBOL_BYTES)
    .map((at) => ({ at, type: bytes[at + 4] }))
    .filter(({ type }) => (type & EXTERNAL) !== 0 && (type & (DEBUG | PRIVATE)) === 0)
    .map(({ at, type }) => ({
      // In C they are called so without the first character.
      name: textAt(bytes, names + bytes.readUInt32LE(at)).slice(1),
      isDefined: (type & DEFINED) !== 0,
      isInAny: IN_ANY.includes(bytes[at + 7]),
    }));
}

/** `{ imported: [{ name, isInAny }], exported: [name], needed: [library], title }`; the `title` of a library. */
function symbolsOfMachO(bytes) {
  const commands = commandsOf(bytes);
  const libraryIn = ({ start }) => textAt(bytes, start + bytes.readUInt32LE(start + 8));
  const id = commands.find(({ command }) => command === ID_DYLIB);
  const table = commands.find(({ command }) => command === SYMTAB);
  const symbols = table ? externalSymbols(bytes, table.start) : [];
  return {
    imported: symbols.filter(({ isDefined }) => !isDefined),
    exported: symbols.filter(({ isDefined }) => isDefined).map(({ name }) => name),
    needed: commands.filter(({ command }) => LOAD_DYLIB.includes(command)).map(libraryIn),
    title: id && libraryIn(id),
  };
}

module.exports = { isMachO, symbolsOfMachO };
