/**
 * The page as one document: its style and its modules inside, so that a browser asks for nothing else, and the
 * same document can be a file. The modules are joined when the process starts: no step of a build is between what
 * is in the folder and what is served.
 */
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const FOLDER = path.join(__dirname, 'page');
/** Each after those that it imports. */
const MODULES = [
  'dom',
  'format',
  'scale',
  'chart',
  'parts',
  'now',
  'people',
  'money',
  'delivery',
  'deeds',
  'main',
];
const STYLES = ['frame', 'chart', 'parts', 'narrow'];
const IMPORT = /^import (?:\* as (\w+) from|\{[^}]*\} from) '\.\/(\w+)\.mjs';$/gm;

/** @param {string} name */
const read = (name) => fs.readFileSync(path.join(FOLDER, name), 'utf8');

/**
 * The modules as one script: names are the same everywhere, but for modules that are imported as a whole.
 */
function script() {
  const texts = MODULES.map((name) => ({ name, text: read(`${name}.mjs`) }));
  const whole = new Map();
  for (const { text } of texts) {
    for (const [, alias, from] of text.matchAll(IMPORT)) if (alias) whole.set(from, alias);
  }
  return texts.map(({ name, text }) => joined(text, name, whole.get(name))).join('\n');
}

/** @type {(text: string, name: string, alias: string | undefined) => string} */
function joined(text, name, alias) {
  const body = text
    .replace(IMPORT, '')
    .replace(/^export /gm, '')
    .trim();
  const names = [...text.matchAll(/^export (?:async )?(?:function|const) (\w+)/gm)].map(
    ([, one]) => one,
  );
  const own = `// ${name}.mjs\nconst { ${names.join(', ')} } = (() => {\n${body}\nreturn { ${names.join(', ')} };\n})();`;
  return alias === undefined ? own : `${own}\nconst ${alias} = { ${names.join(', ')} };`;
}

/**
 * The document that asks the process for its figures. Everything in it that is run has the nonce.
 *
 * @param {string} nonce
 */
function servedPage(nonce) {
  const { html, style, code } = parts();
  return html
    .replace('<!--head-->', () => `<style nonce="${nonce}">\n${style}</style>`)
    .replace('<!--scripts-->', () => `<script type="module" nonce="${nonce}">\n${code}\n</script>`);
}

/**
 * The document with its figures inside. Everything in it that is run is allowed by its hash.
 *
 * @param {any} figures
 */
function filedPage(figures) {
  const { html, style, code } = parts();
  const [styleText, codeText] = [`\n${style}`, `\n${code}\n`];
  const policy = [
    "default-src 'none'",
    `script-src '${hash(codeText)}'`,
    `style-src '${hash(styleText)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return html
    .replace(
      '<!--head-->',
      () =>
        `<meta http-equiv="Content-Security-Policy" content="${policy}">\n<style>${styleText}</style>`,
    )
    .replace(
      '<!--scripts-->',
      () =>
        `<script type="application/json" id="figures">${inlined(figures)}</script>\n<script type="module">${codeText}</script>`,
    );
}

/** JSON that ends no script, whatever the names in it are. @param {any} value */
function inlined(value) {
  const escaped = (/** @type {string} */ one) =>
    `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, escaped);
}

/** @param {string} text */
const hash = (text) => `sha256-${crypto.createHash('sha256').update(text).digest('base64')}`;

/** @type {{ html: string, style: string, code: string } | undefined} */
let known;

function parts() {
  known ??= {
    html: read('page.html'),
    style: STYLES.map((name) => read(`${name}.css`)).join(''),
    code: script(),
  };
  return known;
}

module.exports = { filedPage, inlined, servedPage };
