// A realm of its own with a module loader, as test runners have them: what is loaded there is compiled
// there, so that its `Date`, `Map` or `Error` are not those of this realm.
'use strict';

const fs = require('node:fs');
const { createRequire, isBuiltin } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

const PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'];
/** What a host's realm usually gets of Node; the language itself is the realm's own. */
const OF_NODE = {
  ...{ Buffer, URL, TextEncoder, TextDecoder, console, process },
  ...{ setTimeout, clearTimeout, setInterval, clearInterval },
};

/** `{ context, load(file), run(code) }`; the packages that `outside` names come from this realm. */
function createRealm({ outside = [], ...globals } = {}) {
  const context = vm.createContext({ ...OF_NODE, ...globals });
  const modules = new Map();

  function load(file) {
    if (modules.has(file)) return modules.get(file).exports;
    const module = { exports: vm.runInContext('({})', context), filename: file };
    modules.set(file, module);
    const compiled = vm.compileFunction(fs.readFileSync(file, 'utf8'), PARAMETERS, {
      ...{ filename: file, parsingContext: context },
    });
    compiled(module.exports, requireOf(file), module, file, path.dirname(file));
    return module.exports;
  }

  function requireOf(file) {
    const real = createRequire(file);
    const requireInside = (id) => {
      if (isBuiltin(id) || outside.includes(id)) return real(id);
      const resolved = real.resolve(id);
      return /\.c?js$/.test(resolved) ? load(resolved) : real(id);
    };
    return Object.assign(requireInside, { resolve: real.resolve });
  }

  return { context, load, run: (code) => vm.runInContext(code, context) };
}

module.exports = { createRealm };
