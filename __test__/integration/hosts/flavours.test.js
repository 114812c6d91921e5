// Hosts that swap only the line that loads the class: each major version of mongoose, loaded as
// CommonJS, as ES modules and from compiled TypeScript.
'use strict';

const { describe, it } = require('node:test');
const typescript = require('typescript');
const { useMongod } = require('../../support/setup');
const { makeHost, write } = require('./folder');
const { PLAY, assertPlays } = require('./play');

const mongo = useMongod();

const COMMONJS = `'use strict';
  const mongoose = require('mongoose');
  const AnalyticsSystem = require('gso-analytics');
  ${PLAY}
  play(mongoose, AnalyticsSystem);`;

const CONNECTED_FIRST = `'use strict';
  const mongoose = require('mongoose');
  ${PLAY}
  const connected = mongoose.connect(process.env.HOST_URI);
  connected.then(() => {
    process.env.HOST_CONNECTS = 'already';
    return play(mongoose, require('gso-analytics'));
  });`;

const ES_MODULE = `
  import mongoose from 'mongoose';
  import AnalyticsSystem from 'gso-analytics';
  ${PLAY}
  await play(mongoose, AnalyticsSystem);`;

const ES_MODULE_ADDON_FIRST = `
  import { AnalyticsSystem } from 'gso-analytics';
  import mongoose from 'mongoose';
  ${PLAY}
  await play(mongoose, AnalyticsSystem);`;

const TYPESCRIPT = `
  import mongoose, { type Mongoose } from 'mongoose';
  import AnalyticsSystem, { type Options } from 'gso-analytics';
  const options: Options | undefined = undefined;
  ${PLAY.replace('(mongoose, AnalyticsSystem, options)', '(mongoose: Mongoose, _class: any, options: any)')}
  play(mongoose, AnalyticsSystem, options);`;

function compiled(module) {
  const { ModuleKind, ScriptTarget } = typescript;
  const compilerOptions = {
    module: ModuleKind[module],
    target: ScriptTarget.ES2022,
    esModuleInterop: true,
  };
  return typescript.transpileModule(TYPESCRIPT, { compilerOptions }).outputText;
}

const PROGRAMS = {
  'commonjs.cjs': COMMONJS,
  'connected-first.cjs': CONNECTED_FIRST,
  'module.mjs': ES_MODULE,
  'addon-first.mjs': ES_MODULE_ADDON_FIRST,
  'typescript.cjs': compiled('CommonJS'),
  'typescript.mjs': compiled('ESNext'),
};

for (const [major, source] of [
  [9, 'mongoose'],
  [8, 'mongoose8'],
]) {
  describe(`mongoose ${major}`, { concurrency: 2 }, () => {
    const cwd = makeHost({ mongoose: source });
    write(cwd, PROGRAMS);

    for (const script of Object.keys(PROGRAMS)) {
      it(`is adopted by ${script}`, async () => {
        await assertPlays(script, { cwd, major, database: mongo.database() });
      });
    }

    // For mongoose 9 the other tests of connections have the third.
    for (const connects of ['after new', ...(major === 8 ? ['3 s after track'] : [])]) {
      it(`is adopted when it connects ${connects}`, async () => {
        const database = mongo.database();
        await assertPlays('commonjs.cjs', { cwd, major, connects, database });
      });
    }
  });
}
