// `npm run licenses`: writes the licences of all that is linked into the binaries of any platform,
// for the packages that hold these binaries.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('../lib/steps');

const TARGETS = require('../../package.json').napi.targets;
const FILE = path.join(ROOT, 'npm', 'LICENSE.third-party.txt');
const LICENSE_FILE = /^(licen[sc]e|copying|copyright|notice|unlicense)/i;
const RULE = '-'.repeat(80);
const INTRODUCTION = `The binary of gso-analytics contains the following libraries. Where a licence is
chosen among several, it is the MIT licence.`;
/** What comes with the compiler and the linker, so Cargo does not know it: `[title, text]`. */
const NOT_FROM_CARGO = [
  [
    'Rust standard library, with addr2line, adler2, cfg-if, gimli, hashbrown, libc, memchr,\n' +
      'miniz_oxide, object, rustc-demangle, windows-sys (MIT, and others to choose)',
    mit(
      ...['The Rust Project Contributors', 'Alex Crichton', 'The Gimli Developers'],
      ...["Amanieu d'Antras", 'Jonas Schievink', 'Andrew Gallant', 'Frommi'],
      ...['RAD Game Tools and Valve Software', 'Rich Geldreich and Tenacious Software LLC'],
      'Microsoft Corporation',
    ),
  ],
  ['Zig: compiler-rt (MIT)', mit('Zig contributors')],
  [
    'glibc: the part that is linked statically (LGPL-2.1-or-later with an exception for linking)',
    `Copyright (c) the Free Software Foundation, https://www.gnu.org/software/libc/
As an exception, its compiled files may be linked into combinations with other programs, and these
distributed, without any restriction that comes from the use of these files.`,
  ],
  [
    'LLVM: compiler-rt and libunwind, of zig and of Rust (Apache-2.0 WITH LLVM-exception)',
    `Copyright (c) the LLVM Project contributors, https://llvm.org
See the Apache License 2.0 in this file. As an exception to it, parts of LLVM that a compiler embeds
into an object form may be redistributed in that form without complying with its sections 4(a), 4(b)
and 4(d).`,
  ],
];

function mit(...holders) {
  const copyrights = holders.map((holder) => `Copyright (c) ${holder}`);
  return `MIT License

${copyrights.join('\n')}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;
}

function cargo(...args) {
  const options = { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 28 };
  return execFileSync('cargo', args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** `name version` of every library that is linked for one of the targets. */
function linked() {
  const edges = ['--edges', 'normal,no-proc-macro', '--prefix', 'none', '--format', '{p}'];
  const targets = TARGETS.flatMap((target) => ['--target', target]);
  const lines = cargo('tree', '--locked', ...edges, ...targets).split('\n');
  const ids = lines.map((line) => /^(\S+) v(\S+)/.exec(line)).filter(Boolean);
  return new Set(ids.map(([, name, version]) => `${name} ${version}`));
}

function crates() {
  const { packages, resolve } = JSON.parse(
    cargo('metadata', '--locked', '--format-version', '1', '--all-features'),
  );
  const ids = linked();
  const isForeign = ({ id, name, version }) =>
    id !== resolve.root && ids.delete(`${name} ${version}`);
  return packages.filter(isForeign).sort(byNameAndVersion);
}

function byNameAndVersion(a, b) {
  return a.name.localeCompare(b.name, 'en') || a.version.localeCompare(b.version, 'en');
}

/** The texts to be shipped: of a choice, the MIT licence, else all that the library brings. */
function textsOf(crate) {
  const folder = path.dirname(crate.manifest_path);
  const files = licenseFiles(folder);
  const isChoice = / OR |\//.test(crate.license) && !crate.license.includes(' AND ');
  const chosen = files.filter((file) => /mit/i.test(path.basename(file)));
  const needed = isChoice && chosen.length > 0 ? chosen : files;
  if (needed.length === 0) return [withoutFile(crate)];
  return needed.map((file) => tidy(fs.readFileSync(path.join(folder, file), 'utf8')));
}

/** Also those of code that the library has taken over. */
function licenseFiles(folder) {
  const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  return files
    .filter((entry) => entry.isFile() && LICENSE_FILE.test(entry.name))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}

function tidy(text) {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  return lines
    .map((line) => line.trimEnd())
    .join('\n')
    .replace(/^\n+|\n+$/g, '');
}

/** Some publish without the file: then the licence that they name is written out. */
function withoutFile({ name, license, authors, repository }) {
  if (license === 'MIT') return mit(authors.join(', ') || `the authors of ${repository}`);
  if (license === 'Apache-2.0') return `${repository}\nSee the Apache License 2.0 in this file.`;
  throw new Error(`${name} brings no text of its licence, ${license}: add it to ${__filename}`);
}

/** `Map` of texts to the titles of the libraries that come with it. */
function byText() {
  const texts = new Map(NOT_FROM_CARGO.map(([title, text]) => [text, [title]]));
  for (const crate of crates()) {
    for (const text of textsOf(crate)) {
      const title = `${crate.name} ${crate.version} (${crate.license})`;
      texts.set(text, [...(texts.get(text) ?? []), title]);
    }
  }
  return texts;
}

const sections = [...byText()].map(([text, titles]) => `${titles.join('\n')}\n\n${text}`);
fs.writeFileSync(FILE, `${[INTRODUCTION, ...sections].join(`\n\n${RULE}\n`)}\n`);
console.log(`${sections.length} licences in ${path.relative(ROOT, FILE)}`);
