// The names that a library of Windows for 64 bits exports, and the libraries that it needs. The format is that
// of "PE Format" in Microsoft's documentation: numbers of 32 bits, little-endian; most are addresses as
// loaded, not places in the file.
'use strict';

const MAGIC = 'MZ';
/** Where things are, in bytes: in the file, behind the signature, and in the optional header. */
const [SIGNATURE, SECTION_COUNT, OPTIONAL_BYTES, OPTIONAL, DIRECTORIES] = [0x3c, 6, 20, 24, 112];
const [SECTION_BYTES, IMPORT_BYTES] = [40, 20];

const isDll = (bytes) => bytes.toString('latin1', 0, MAGIC.length) === MAGIC;

const textAt = (bytes, start) => bytes.toString('latin1', start, bytes.indexOf(0, start));

/** `{ directories, placeOf }`: where the list of directories is, and where in the file an address is. */
function layoutOf(bytes) {
  const signature = bytes.readUInt32LE(SIGNATURE);
  const optional = signature + OPTIONAL;
  const first = optional + bytes.readUInt16LE(signature + OPTIONAL_BYTES);
  const count = bytes.readUInt16LE(signature + SECTION_COUNT);
  const sections = Array.from({ length: count }, (_, index) => {
    const start = first + index * SECTION_BYTES;
    const [address, size, place] = [12, 16, 20].map((at) => bytes.readUInt32LE(start + at));
    return { address, size, place };
  });
  const placeOf = (wanted) => {
    const holds = ({ address, size }) => wanted >= address && wanted < address + size;
    const { address, place } = sections.find(holds);
    return place + wanted - address;
  };
  return { directories: optional + DIRECTORIES, placeOf };
}

function exportedNames(bytes, { directories, placeOf }) {
  const address = bytes.readUInt32LE(directories);
  if (address === 0) return [];
  const start = placeOf(address);
  const [count, names] = [24, 32].map((at) => bytes.readUInt32LE(start + at));
  return Array.from({ length: count }, (_, index) =>
    textAt(bytes, placeOf(bytes.readUInt32LE(placeOf(names + 4 * index)))),
  );
}

function neededLibraries(bytes, { directories, placeOf }) {
  const address = bytes.readUInt32LE(directories + 8);
  const libraries = [];
  if (address === 0) return libraries;
  for (let start = placeOf(address); ; start += IMPORT_BYTES) {
    const name = bytes.readUInt32LE(start + 12);
    if (name === 0) return libraries;
    libraries.push(textAt(bytes, placeOf(name)));
  }
}

/** `{ exported: [name], needed: [library] }` */
function symbolsOfDll(bytes) {
  const layout = layoutOf(bytes);
  return { exported: exportedNames(bytes, layout), needed: neededLibraries(bytes, layout) };
}

module.exports = { isDll, symbolsOfDll };
