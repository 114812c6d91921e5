// Compiles hosts in this process: a compiler per host would take most of its time to read the library.
'use strict';

const path = require('node:path');
const ts = require('typescript');

const ALWAYS = {
  ...{ strict: true, noEmit: true, target: 'es2023', lib: ['es2023'] },
  // The compiler's own library is not what is looked at; every other declaration file is.
  ...{ skipLibCheck: false, skipDefaultLibCheck: true },
  ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noImplicitOverride: true },
  // Hosts that set what a coming major version of the compiler gives up.
  ignoreDeprecations: '6.0',
};

const parsed = new Map();

/** Errors of `files` in `folder`, as the compiler prints them; '' when there are none. */
function compile(folder, files, options) {
  const converted = ts.convertCompilerOptionsFromJson({ ...ALWAYS, ...options }, folder);
  const host = ts.createCompilerHost(converted.options);
  host.getCurrentDirectory = () => folder;
  const { getSourceFile } = host;
  host.getSourceFile = (file, ...rest) => {
    if (!path.basename(file).startsWith('lib.')) return getSourceFile.call(host, file, ...rest);
    if (!parsed.has(file)) parsed.set(file, getSourceFile.call(host, file, ...rest));
    return parsed.get(file);
  };
  const names = files.map((file) => path.join(folder, file));
  const program = ts.createProgram(names, converted.options, host);
  const problems = [...converted.errors, ...ts.getPreEmitDiagnostics(program)];
  return ts.formatDiagnostics(problems, {
    getCurrentDirectory: () => folder,
    getCanonicalFileName: (file) => file,
    getNewLine: () => '\n',
  });
}

module.exports = { compile };
