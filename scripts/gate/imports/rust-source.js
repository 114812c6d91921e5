// Reads one Rust file without a compiler: its modules, the names that it defines and imports, and the
// paths that its code mentions. Test code (`#[cfg(test)]`, folders and files called tests) is marked.
'use strict';

/** Comments, texts and characters: what looks like code in them is none. A lifetime is no character. */
const NO_CODE =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|\bb?r(#*)"[\s\S]*?"\1|b?"(?:[^"\\]|\\[\s\S])*"|b?'(?:[^'\\\n]|\\(?:x..|u\{[^}]*\}|.))'/g;
const TOKEN = /[A-Za-z_]\w*|::|[^\s\w]/g;
const DEFINING = new Set('fn struct enum union trait type const static macro_rules'.split(' '));
const ITEMS = new Set([...DEFINING, 'impl', 'mod', 'use']);
const CLOSING = { '(': ')', '[': ']', '{': '}' };

function withoutTexts(text) {
  return text.replace(NO_CODE, (match) => match.replace(/[^\n]/g, ' '));
}

/** `[{ text, line }]` */
function tokensOf(text) {
  const code = withoutTexts(text);
  let line = 1;
  let at = 0;
  return [...code.matchAll(TOKEN)].map((match) => {
    for (; at < match.index; at++) if (code[at] === '\n') line += 1;
    return { text: match[0], line };
  });
}

/** The index after the bracket that closes the one at `open`. */
function afterBrackets(tokens, open) {
  const stack = [];
  for (let i = open; i < tokens.length; i++) {
    const { text } = tokens[i];
    if (CLOSING[text]) stack.push(CLOSING[text]);
    else if (text === stack.at(-1)) stack.pop();
    if (stack.length === 0) return i + 1;
  }
  return tokens.length;
}

/** The index after the item that begins at `start`: behind its `;` or its block, a field's `,`. */
function afterItem(tokens, start) {
  const isItem = tokens.slice(start, start + 6).some(({ text }) => ITEMS.has(text));
  for (let i = start; i < tokens.length; ) {
    const { text } = tokens[i];
    if (text === ';' || (text === ',' && !isItem)) return i + 1;
    if (text === '{') return afterBrackets(tokens, i);
    i = CLOSING[text] ? afterBrackets(tokens, i) : i + 1;
  }
  return tokens.length;
}

/** `a::{b as c, d::*}` as `[{ path, name }]`; a glob has the name `*`. */
function useTree(tokens, prefix = []) {
  const path = [...prefix];
  for (let i = 0; i < tokens.length; i++) {
    const { text } = tokens[i];
    if (text === '::') continue;
    if (text === '*') return [{ path, name: '*' }];
    if (text === 'as') return [{ path, name: tokens[i + 1].text }];
    if (text === '{') {
      const inside = tokens.slice(i + 1, afterBrackets(tokens, i) - 1);
      return divided(inside).flatMap((branch) => useTree(branch, path));
    }
    if (text !== 'self' || path.length === 0) path.push(text);
  }
  return [{ path, name: path.at(-1) }];
}

function divided(tokens) {
  const parts = [[]];
  for (let i = 0; i < tokens.length; ) {
    const end = tokens[i].text === '{' ? afterBrackets(tokens, i) : i + 1;
    if (tokens[i].text === ',') parts.push([]);
    else parts.at(-1).push(...tokens.slice(i, end));
    i = end;
  }
  return parts.filter((part) => part.length > 0);
}

/**
 * Walks through the tokens of a file. A scope is a module, of which a file may hold several:
 * `{ path, defined, uses, children }`. A mention is a path in code: `{ path, scope, line, isTest }`.
 */
class Reader {
  constructor(text, module, isTest) {
    this.tokens = tokensOf(text);
    this.scopes = [];
    this.mentions = [];
    this.read([0, this.tokens.length], { scope: this.addScope(module), isTest, isTop: true });
  }

  addScope(path) {
    const scope = { path, defined: new Set(), uses: [], children: new Map() };
    this.scopes.push(scope);
    return scope;
  }

  text(i) {
    return this.tokens[i]?.text ?? '';
  }

  read([start, end], where) {
    let isPublic = false;
    for (let i = start; i < end; ) {
      if (this.text(i) === 'pub') {
        isPublic = true;
        i = this.text(i + 1) === '(' ? afterBrackets(this.tokens, i + 1) : i + 1;
      } else {
        i = this.readOne(i, end, { ...where, isPublic });
        isPublic = false;
      }
    }
  }

  /** Reads what begins at `i`; answers the index after it. */
  readOne(i, end, where) {
    const text = this.text(i);
    if (text === '#' && /^[[!]$/.test(this.text(i + 1))) return this.attribute(i, end, where);
    if (text === 'use') return this.use(i, where);
    if (text === 'mod' && /^[;{]$/.test(this.text(i + 2))) return this.module(i, where);
    if (text === '{') {
      const after = afterBrackets(this.tokens, i);
      this.read([i + 1, after - 1], { ...where, isTop: false });
      return after;
    }
    if (where.isTop && DEFINING.has(text)) {
      where.scope.defined.add(this.text(text === 'macro_rules' ? i + 2 : i + 1));
    }
    return this.path(i, where);
  }

  attribute(i, end, where) {
    const isInner = this.text(i + 1) === '!';
    const open = isInner ? i + 2 : i + 1;
    const after = afterBrackets(this.tokens, open);
    for (let at = open; at < after; ) at = this.path(at, where, { isAttribute: true });
    if (where.isTest || !this.isForTests(open, after)) return after;
    const itemEnd = isInner ? end : this.afterAttributed(after);
    this.read([after, itemEnd], { ...where, isTest: true });
    return itemEnd;
  }

  isForTests(open, after) {
    const text = this.tokens.slice(open, after).map((token) => token.text);
    return /^\[cfg\((?:test|all\(test,.*\))\)\]$/.test(text.join(''));
  }

  afterAttributed(start) {
    let i = start;
    while (this.text(i) === '#') i = afterBrackets(this.tokens, i + 1);
    return afterItem(this.tokens, i);
  }

  use(at, { scope, isPublic, isTest }) {
    let end = at;
    while (this.text(end) !== ';') end += 1;
    const { line } = this.tokens[at];
    for (const { path, name } of useTree(this.tokens.slice(at + 1, end))) {
      scope.uses.push({ path, name, line, isPublic, isTest });
    }
    return end + 1;
  }

  module(at, { scope, isTest }) {
    const name = this.text(at + 1);
    scope.children.set(name, { isTest });
    if (this.text(at + 2) === ';') return at + 3;
    const after = afterBrackets(this.tokens, at + 2);
    const inner = this.addScope([...scope.path, name]);
    this.read([at + 3, after - 1], { scope: inner, isTest, isTop: true });
    return after;
  }

  /** Takes `a::b::c`, or one token; answers the index after it. */
  path(at, { scope, isTest }, { isAttribute = false } = {}) {
    const { text, line } = this.tokens[at];
    if (!/^[A-Za-z_]/.test(text) || this.text(at - 1) === '::') return at + 1;
    const path = [text];
    let i = at + 1;
    for (; this.text(i) === '::' && /^[A-Za-z_]/.test(this.text(i + 1)); i += 2) {
      path.push(this.text(i + 1));
    }
    if (path.length > 1 || isAttribute) this.mentions.push({ path, scope, line, isTest });
    return i;
  }
}

/** `{ scopes, mentions }` of a file's text; `module` is its path below `crate`. */
function readRust(text, { module, isTest = false }) {
  const { scopes, mentions } = new Reader(text, module, isTest);
  return { scopes, mentions };
}

module.exports = { readRust, withoutTexts };
