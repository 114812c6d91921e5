// The pages a reader finds: what is in them that can be wrong. Fenced blocks, links, anchors, paths and
// npm scripts, read out of the Markdown without a parser of its own.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..', '..');
const TOP = ['README.md', 'CONTRIBUTING.md', 'RELEASING.md', 'SECURITY.md', 'CHANGELOG.md'];
const FURTHER = ['benchmark/README.md', '__test__/README.md'];
/** Paths of the repository in a page, as in `src/spool/mod.rs` or `docs/`. */
const PATH = /^(?:src|lib|__test__|scripts|benchmark|docs|examples|npm|\.ci|\.github)\/[\w./@-]*$/;

/** `[{ name, text }]` of every page that is there. */
function readPages() {
  const docs = fs.readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  const names = [...TOP, ...docs.sort().map((name) => `docs/${name}`), ...FURTHER];
  const found = names.filter((name) => fs.existsSync(path.join(ROOT, name)));
  return found.map((name) => ({ name, text: fs.readFileSync(path.join(ROOT, name), 'utf8') }));
}

/** `[{ language, text, line }]`: the fenced blocks of a page; `line` is that of the first fence. */
function blocksOf({ text }) {
  const blocks = [];
  let open;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^ *```(.*)$/.exec(line);
    if (fence && open === undefined)
      open = { language: fence[1].trim(), line: index + 1, lines: [] };
    else if (fence) {
      blocks.push({ language: open.language, line: open.line, text: open.lines.join('\n') });
      open = undefined;
    } else open?.lines.push(line);
  }
  if (open) throw new Error(`the block of line ${open.line} has no end`);
  return blocks;
}

/** The page without its fenced blocks. */
function proseOf({ text }) {
  return text.replace(/^ *```[\s\S]*?^ *```$/gm, '');
}

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(page) {
  const seen = new Map();
  return [...proseOf(page).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = words
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
}

/** Links and pictures of a page that are not addresses of the web. */
function linksOf(page) {
  const prose = proseOf(page).replace(/`[^`\n]*`/g, 'code');
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g), ...prose.matchAll(/ src="([^"]+)"/g)];
  return targets.map(([, target]) => target).filter((target) => !/^[a-z]+:/.test(target));
}

/** What a page writes as code within its sentences. */
function codesOf(page) {
  return [...proseOf(page).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
}

/** Why links of `page` lead nowhere. */
function brokenLinks(page, pages) {
  return linksOf(page).flatMap((target) => {
    const [file, anchor] = target.split('#');
    const isHere = file === '';
    const name = isHere ? page.name : path.posix.join(path.posix.dirname(page.name), file);
    if (!isHere && !fs.existsSync(path.join(ROOT, name))) {
      return [`${page.name}: no file for ${target}`];
    }
    const other = name === page.name ? page : pages.find((one) => one.name === name);
    if (anchor === undefined || (other && anchorsOf(other).includes(anchor))) return [];
    return [`${page.name}: no heading for ${target}`];
  });
}

/** Paths of the repository that a page names and that are not there. */
function missingPaths(page) {
  const named = codesOf(page).filter((code) => PATH.test(code));
  const missing = named.filter((code) => !fs.existsSync(path.join(ROOT, code)));
  return missing.map((code) => `${page.name}: there is no ${code}`);
}

/** npm scripts that a page names within its sentences and that package.json has not. */
function unknownScripts(page, scripts) {
  const named = codesOf(page).flatMap((code) => {
    const called = /\bnpm (?:run ([\w:-]+)|(test)\b)/.exec(code);
    return called ? [called[1] ?? called[2]] : [];
  });
  const unknown = named.filter((script) => !Object.hasOwn(scripts, script));
  return unknown.map((script) => `${page.name}: package.json has no script ${script}`);
}

/** Every source file in one text, with strings that go on in the next line put together. */
function readSources() {
  const read = (folder) => {
    const names = fs.readdirSync(path.join(ROOT, folder), { recursive: true });
    const sources = names.filter((name) => /\.(?:rs|js)$/.test(name));
    return sources.map((name) => fs.readFileSync(path.join(ROOT, folder, name), 'utf8'));
  };
  return [...read('src'), ...read('lib')].join('\n').replace(/\\\n\s+/g, '');
}

/** Log lines that a page quotes, as in: the warning `No connection`; and that no source has. */
function unknownLines(page, sources) {
  const quoted = [...proseOf(page).matchAll(/\bwarning `([^`\n]+)`/g)].map(([, line]) => line);
  const unknown = quoted.filter((line) => !sources.includes(line));
  return unknown.map((line) => `${page.name}: nothing logs "${line}"`);
}

module.exports = {
  ROOT,
  blocksOf,
  brokenLinks,
  missingPaths,
  readPages,
  readSources,
  unknownLines,
  unknownScripts,
};
