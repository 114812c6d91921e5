// The declarations: hosts compile against them, and they say what the sources say.
'use strict';

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');
const { cleanEnvironment } = require('../support/environment');
const AnalyticsSystem = require('gso-analytics');
const declared = require('./declarations');
const known = require('./sources');

cleanEnvironment();

const TSC = require.resolve('typescript/bin/tsc');
const TIMEOUT_MS = 60_000;
const run = promisify(execFile);

async function compile(project) {
  const args = [TSC, '--project', path.join(__dirname, project)];
  try {
    await run(process.execPath, args, { cwd: __dirname, timeout: TIMEOUT_MS });
  } catch (error) {
    assert.fail(`${project}\n${error.stdout || error.message}`);
  }
}

function assertSame(actual, expected) {
  assert.ok(expected.length > 0, 'the source has changed its form: nothing was found in it');
  assert.deepStrictEqual([...new Set(actual)].sort(), [...new Set(expected)].sort());
}

const options = declared.membersOf('Options');
const namesOf = (members) => members.map(({ name }) => name);

describe('a host that uses the types compiles, and its mistakes do not', () => {
  it('as CommonJS, as an ES module and as JavaScript', () => compile('tsconfig.node.json'));
  it('through a bundler, without the types of Node', () => compile('tsconfig.bundler.json'));
});

describe('index.d.ts declares', () => {
  it('the public methods of the class', () => {
    const { prototype } = AnalyticsSystem;
    const methods = Object.getOwnPropertyNames(prototype).filter((one) => one !== 'constructor');
    assertSame(declared.methods, methods);
  });

  it('the options that are known, and no others', () => {
    assertSame(namesOf(options), [...known.nativeOptions, ...known.javascriptOptions]);
    assertSame(known.optionsInJavaScript, known.javascriptOptions);
  });

  it('the collections with the names they have by default', () => {
    const collections = declared.membersOf('Collections');
    const pairs = collections.map(({ name, defaultText }) => `${name}: ${defaultText}`);
    assertSame(
      pairs,
      known.collections.map(([key, name]) => `${key}: ${name}`),
    );
  });

  it('the events that are counted and the totals they add to', () => {
    assertSame(declared.unionOf('CountedEvent').members, known.countedEvents);
    assertSame(namesOf(declared.membersOf('DailyTotals')), known.totals);
  });

  it('the codes of errors', () => {
    assertSame(declared.unionOf('ErrorCode').members, known.errorCodes);
  });

  it('the fields of the health report', () => {
    const { connected, ...health } = new AnalyticsSystem({ logger: false }).getHealth();
    assert.strictEqual(connected, false);
    const fields = ['connected', 'lastError', ...Object.keys(health)];
    assertSame(namesOf(declared.membersOf('Health')), fields);
    assertSame(namesOf(declared.membersOf('WebhookHealth')), Object.keys(health.webhook));
  });

  for (const [union, field] of [
    ['RejectReason', 'rejected'],
    ['NoteReason', 'noted'],
    ['DropReason', 'dropped'],
    ['WebhookDropReason', 'webhookDropped'],
  ]) {
    it(`every ${union}, each explained`, () => {
      const { members, doc } = declared.unionOf(union);
      assertSame(members, known.reasons[field]);
      const explained = [...doc.matchAll(/^ - `(\w+)`: \S/gm)].map((match) => match[1]);
      assertSame(explained, members);
    });
  }
});

describe('the comments of index.d.ts', () => {
  it('are there', () => {
    assert.deepStrictEqual(declared.undocumented(), []);
  });

  it('name the default, the bounds and the environment variable of each numeric option', () => {
    const numeric = options.filter(({ type }) => type.includes('number'));
    assertSame(namesOf(numeric), namesOf(known.numericOptions));
    for (const { name, variable, fallback, min, max } of known.numericOptions) {
      const { doc, defaultText } = numeric.find((one) => one.name === name);
      assert.strictEqual(Number.parseInt(defaultText, 10), fallback, `default of ${name}`);
      const bounds = /from (\d+)(?: \([^)]*\))? to (\d+)/.exec(doc);
      assert.deepStrictEqual(bounds?.slice(1), [`${min}`, `${max}`], `bounds of ${name}`);
      const named = /Environment: `(\w+)`/.exec(doc)?.[1];
      assert.strictEqual(named, variable, `environment variable of ${name}`);
      assert.match(doc, name.endsWith('Ms') ? /milliseconds/ : /bytes/, `unit of ${name}`);
    }
  });

  it('name every environment variable and give every option a default', () => {
    const named = options.flatMap(({ doc }) => doc.match(/\bANALYTICS_\w+/g) ?? []);
    assertSame(named, known.variables);
    const without = options.filter(({ defaultText }) => !defaultText);
    assert.deepStrictEqual(namesOf(without), ['collections']); // its members have theirs
  });
});

describe('index.d.mts', () => {
  it('exports every type of index.d.ts', () => {
    assertSame(declared.moduleTypeNames, declared.typeNames);
  });

  it('exports what index.mjs exports', async () => {
    const module = await import('gso-analytics');
    assertSame(Object.keys(module), ['AnalyticsSystem', 'default']);
    assert.strictEqual(module.default, AnalyticsSystem);
  });
});
