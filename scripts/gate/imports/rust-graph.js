// Which file of `src` needs which: a name that is re-exported leads to the file that defines it.
'use strict';

const { readRust } = require('./rust-source');

const IS_TEST_FILE = /(?:^|\/)tests(?:\/|\.rs$)/;

/** `src/a/b.rs` and `src/a/b/mod.rs` are `['a', 'b']`, `src/lib.rs` is `[]`. */
function moduleOf(file) {
  const path = file
    .replace(/^src\//, '')
    .replace(/\.rs$/, '')
    .split('/');
  if (['mod', 'lib', 'main'].includes(path.at(-1))) path.pop();
  return path;
}

class RustGraph {
  /** `files`: a `Map` of paths to texts. */
  constructor(files) {
    this.scopes = new Map();
    this.files = [...files].map(([file, text]) => {
      const read = readRust(text, { module: moduleOf(file), isTest: IS_TEST_FILE.test(file) });
      for (const scope of read.scopes) this.scopes.set(scope.path.join('::'), { ...scope, file });
      return { file, ...read };
    });
    this.#markTestModules();
  }

  scopeAt(path) {
    return this.scopes.get(path.join('::'));
  }

  /** A file whose `mod` line is for tests is for tests, and so is what lies below it. */
  #markTestModules() {
    this.testModules = [];
    for (const scope of this.scopes.values()) {
      for (const [name, { isTest }] of scope.children) {
        if (isTest) this.testModules.push(`${[...scope.path, name].join('::')}::`);
      }
    }
  }

  #isTest(scope) {
    return this.testModules.some((module) => `${scope.path.join('::')}::`.startsWith(module));
  }

  /** `{ from, to, path, line, isTest }` of everything that code in one file needs of another. */
  needs() {
    return this.files.flatMap(({ file, scopes, mentions }) => {
      const used = scopes.flatMap((scope) => scope.uses.map((use) => ({ ...use, scope, use })));
      return [...used, ...mentions].flatMap(({ path, name, scope, line, isTest, use }) => {
        const target = this.#resolve(path, scope, { skipped: use });
        if (!target || target.file === file) return [];
        if (use?.isPublic && isBelow(target.path, scope.path)) return [];
        // What is needed of a module shows where it is used, unless all of it is.
        const isModule = target.isModule && name !== '*';
        return {
          from: file,
          to: target.file,
          path: path.join('::'),
          line,
          isModule,
          isTest: isTest || this.#isTest(scope),
        };
      });
    });
  }

  /** `{ file, path, isModule }` of what a path names in a scope; undefined if it is of another crate. */
  #resolve(path, scope, { skipped, depth = 0 } = {}) {
    if (depth > 20) return undefined;
    const [first, ...rest] = path;
    if (first === 'crate') return this.#descend([], rest, depth);
    if (first === 'self') return this.#descend(scope.path, rest, depth);
    if (first === 'super') return this.#fromSuper(path, scope, depth);
    if (scope.children.has(first)) return this.#descend(scope.path, path, depth);
    const use = scope.uses.find((one) => one.name === first && one !== skipped);
    if (use)
      return this.#resolve([...use.path, ...rest], scope, { skipped: use, depth: depth + 1 });
    return undefined;
  }

  #fromSuper(path, scope, depth) {
    let up = 0;
    while (path[up] === 'super') up += 1;
    return this.#descend(scope.path.slice(0, scope.path.length - up), path.slice(up), depth);
  }

  /** Follows `rest` from the module at `path`. */
  #descend(path, rest, depth) {
    const scope = this.scopeAt(path);
    if (!scope) return undefined;
    const [first, ...more] = rest;
    const here = { file: scope.file, path };
    if (first === undefined) return { ...here, isModule: true };
    if (this.scopeAt([...path, first])) return this.#descend([...path, first], more, depth);
    if (scope.defined.has(first)) return here;
    return this.#imported(scope, rest, depth) ?? here;
  }

  #imported(scope, [first, ...more], depth) {
    const next = { depth: depth + 1 };
    const use = scope.uses.find((one) => one.name === first);
    if (use) return this.#resolve([...use.path, ...more], scope, { ...next, skipped: use });
    for (const glob of scope.uses.filter((one) => one.name === '*')) {
      const module = this.#resolve(glob.path, scope, next);
      if (module && this.scopeAt(module.path)?.defined.has(first)) return module;
    }
    return undefined;
  }
}

function isBelow(path, folder) {
  return folder.every((name, i) => path[i] === name);
}

module.exports = { RustGraph, moduleOf };
