// The import check of the gate: every rule finds what breaks it, and nothing else.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { javascriptProblems, rustProblems } = require('../../scripts/gate/imports/rules');

const rust = (files) => rustProblems(new Map(Object.entries({ 'src/lib.rs': '', ...files })));
const javascript = (files) => javascriptProblems(new Map(Object.entries(files)));

const LAYERED = {
  'src/lib.rs': 'mod addon; mod pipeline; mod store; mod record; mod util;',
  'src/addon/mod.rs': 'use crate::pipeline::Pipeline; use napi::Env; #[napi] fn open() {}',
  'src/pipeline/mod.rs': 'mod worker; pub use worker::Pipeline;',
  'src/pipeline/worker.rs': 'use crate::store::Store; use crate::util::clock; pub struct Pipeline;',
  'src/store/mod.rs': 'use crate::record::Record; pub trait Store {} mod mongo;',
  'src/store/mongo/mod.rs': 'use mongodb::Client;',
  'src/record.rs': 'pub struct Record;',
  'src/util/mod.rs': 'pub mod clock;',
  'src/util/clock.rs': 'pub fn now() { std::time::SystemTime::now(); }',
};

describe('the import check of Rust code', () => {
  it('accepts imports that go down', () => {
    assert.deepStrictEqual(rust(LAYERED), []);
  });

  it('finds an import of a higher layer, also by a path in code, and in tests', () => {
    for (const [code, path] of [
      ['use crate::pipeline::Pipeline; pub trait Store {}', 'crate::pipeline::Pipeline'],
      ['fn f() { crate::pipeline::Pipeline::run(); }', 'crate::pipeline::Pipeline::run'],
      ['use super::pipeline::{Pipeline as P};', 'super::pipeline::Pipeline'],
      ['#[cfg(test)] mod tests { use crate::pipeline; }', 'crate::pipeline'],
    ]) {
      const [climbing] = rust({ ...LAYERED, 'src/store/mod.rs': code });
      const wanted = `src/store/mod.rs:1: store may not import pipeline (${path})`;
      assert.strictEqual(climbing, wanted);
    }
  });

  it('finds an import between forward, spool and store, and a folder without a layer', () => {
    const code = { 'src/spool.rs': '\nuse crate::store::Store;', 'src/other.rs': '' };
    assert.deepStrictEqual(rust({ ...LAYERED, ...code }), [
      'src/other.rs is in no layer: addon, pipeline, reports, forward, spool, store, instance, config, record, util',
      'src/spool.rs:2: spool may not import store (crate::store::Store)',
    ]);
  });

  it('finds a crate outside its folder, test code included', () => {
    for (const [code, crate, folder] of [
      ['use napi::bindgen_prelude::*;', 'napi', 'src/addon'],
      ['#[napi] pub struct Record;', 'napi', 'src/addon'],
      ['use napi_derive::napi;', 'napi_derive', 'src/addon'],
      ['#[cfg(test)] mod tests { fn f() { mongodb::bson::doc!{} } }', 'mongodb', 'src/store/mongo'],
      ['fn f(client: &hyper::Request<()>) {}', 'hyper', 'src/forward/transport'],
    ]) {
      assert.deepStrictEqual(rust({ ...LAYERED, 'src/record.rs': code }), [
        `src/record.rs:1: the crate ${crate} belongs to ${folder}`,
      ]);
    }
  });

  it('takes nothing in comments and texts for code', () => {
    const code = `
      // use napi::Env;
      /* mongodb::Client */
      fn f<'a>(a: &'a str) -> [char; 2] { let _ = "crate::addon::X \\" napi::X"; ['"', '\\''] }
      const RAW: &str = r#"hyper::get " SystemTime::now()"#;`;
    assert.deepStrictEqual(rust({ ...LAYERED, 'src/record.rs': code }), []);
  });

  it('finds a cycle between files, through what a module re-exports', () => {
    const found = rust({
      'src/record/mod.rs': 'mod a; mod b; pub use self::{a::A, b::B};',
      'src/record/a.rs': 'use super::B; pub struct A(B);',
      'src/record/b.rs': 'pub struct B; fn f() { crate::record::A::new(); }',
    });
    assert.deepStrictEqual(found, [
      'a cycle of imports:\n' +
        '  src/record/a.rs:1: super::B → src/record/b.rs\n' +
        '  src/record/b.rs:1: crate::record::A::new → src/record/a.rs',
    ]);
  });

  it('finds a cycle between a module and its part', () => {
    const part = { 'src/record/part.rs': 'use super::Whole; pub struct Part;' };
    for (const code of [
      'mod part; pub struct Whole(part::Part);',
      'mod part; use part::Part; pub struct Whole(Part);',
    ]) {
      const [cycle, ...more] = rust({ ...part, 'src/record/mod.rs': code });
      assert.match(cycle, /part\.rs:1: super::Whole → src\/record\/mod\.rs/);
      assert.deepStrictEqual(more, []);
    }
    // Neither the declaration of a part nor its re-export is an import.
    const door = 'mod part; pub use part::Part; pub struct Whole;';
    assert.deepStrictEqual(rust({ ...part, 'src/record/mod.rs': door }), []);
  });

  it('leaves out of cycles what is test code', () => {
    const uses = 'use super::b::B; pub struct A;';
    for (const [a, b] of [
      [`#[cfg(test)] mod tests { ${uses.replace('super', 'crate::record')} } pub struct A;`, ''],
      [`#[cfg(test)] ${uses}`, ''],
      [`#![cfg(test)] ${uses}`, ''],
    ]) {
      const found = rust({
        'src/record/mod.rs': 'mod a; mod b;',
        'src/record/a.rs': a,
        'src/record/b.rs': `use super::a::A; pub struct B;${b}`,
      });
      assert.deepStrictEqual(found, []);
    }
    const inFolder = rust({
      'src/record/mod.rs': '#[cfg(test)] mod model; pub struct A;',
      'src/record/model.rs': 'use super::tests::B; pub struct C;',
      'src/record/tests/mod.rs': 'use super::model::C; pub struct B;',
    });
    assert.deepStrictEqual(inFolder, []);
  });

  it('finds too many files in the pipeline, and a worker that is too long', () => {
    const names = Array.from({ length: 11 }, (_, i) => `src/pipeline/part${i}.rs`);
    const full = { ...LAYERED, 'src/pipeline/tests/model.rs': '' };
    for (const name of names.slice(1)) full[name] = '';
    assert.deepStrictEqual(rust(full), []);
    full[names[0]] = '';
    const lines = (count) => ({ 'src/pipeline/worker.rs': '//\n'.repeat(count) });
    assert.deepStrictEqual(rust({ ...full, ...lines(249) }), [
      'src/pipeline holds 13 files, at most 12 are allowed',
    ]);
    assert.deepStrictEqual(rust(lines(250)), [
      'src/pipeline/worker.rs has 250 lines, it must have less than 250',
    ]);
  });

  it('finds a second file that reads the wall clock', () => {
    const second = 'use std::time::SystemTime; fn f() { SystemTime::now() }';
    assert.deepStrictEqual(rust({ ...LAYERED, 'src/record.rs': second }), [
      'SystemTime::now is called in 2 files, not in one: src/record.rs, src/util/clock.rs',
    ]);
  });
});

describe('the import check of JavaScript', () => {
  it('finds a cycle, also between scripts and tests', () => {
    const found = javascript({
      'lib/a.js': "const b = require('./b');",
      'lib/b.js': "// require('./c')\nconst a = require('./a.js');",
      '__test__/run.js': "require('../scripts/lib/steps');",
      'scripts/lib/steps.js': "import { x } from '../../__test__/run';",
    });
    assert.deepStrictEqual(found, [
      'a cycle of imports: lib/a.js → lib/b.js → lib/a.js',
      'a cycle of imports: __test__/run.js → scripts/lib/steps.js → __test__/run.js',
      'scripts/lib/steps.js: scripts may not import __test__/run.js',
    ]);
  });

  it('accepts tests that import scripts, and programs in tests that require from the top', () => {
    const found = javascript({
      '__test__/a/a.test.js': "const source = `require('./__test__/support/b')`;",
      '__test__/support/b.js': "require('../../scripts/lib/steps'); require('../..');",
      'scripts/lib/steps.js': "require('../../lib/c');",
      'lib/c.js': "require('node:fs');",
      'index.js': "require('./lib/c');",
    });
    assert.deepStrictEqual(found, []);
  });
});
