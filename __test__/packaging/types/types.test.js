// The declarations say what the sources and the documents say.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { cleanEnvironment } = require('../../support/environment');
const AnalyticsSystem = require('gso-analytics');
const declared = require('./declarations');
const known = require('./sources');

cleanEnvironment();

function assertSame(actual, expected) {
  assert.ok(expected.length > 0, 'the source has changed its form: nothing was found in it');
  assert.deepStrictEqual([...new Set(actual)].sort(), [...new Set(expected)].sort());
}

/** What the list in a comment explains. */
const explained = (doc) => [...doc.matchAll(/^ - `([\w-]+)`: \S/gm)].map((match) => match[1]);

const options = declared.membersOf('Options');
const namesOf = (members) => members.map(({ name }) => name);

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
    assertSame(namesOf(declared.membersOf('CountedEvents')), known.countedEvents);
    assertSame(namesOf(declared.membersOf('DailyTotals')), known.totals);
  });

  it('the codes of errors, each explained, and which method has which', () => {
    const { members, doc } = declared.unionOf('ErrorCode');
    assertSame(members, known.errorCodes);
    assertSame(explained(doc), members);
    for (const [method, { code }] of Object.entries(declared.rejections)) {
      const always = method === 'constructor' ? 'ANALYTICS_SPOOL_UNAVAILABLE' : 'ANALYTICS_TIMEOUT';
      assert.ok(code.includes(always), method);
      assert.deepStrictEqual(
        code.filter((one) => !members.includes(one)),
        [],
        method,
      );
    }
    assertSame(
      Object.values(declared.rejections).flatMap(({ code }) => code),
      members,
    );
  });

  it('the fields of the health report', () => {
    const webhookUrl = 'http://127.0.0.1:1/';
    const { connected, ...health } = new AnalyticsSystem({ logger: false, webhookUrl }).getHealth();
    assert.strictEqual(connected, false);
    assert.ok(!('spool' in health), 'only with a spool');
    const fields = ['connected', 'lastError', 'spool', ...Object.keys(health)];
    assertSame(namesOf(declared.membersOf('Health')), fields);
    const ofDestination = ['lastError', ...Object.keys(health.destinations[0])];
    assertSame(namesOf(declared.membersOf('DestinationHealth')), ofDestination);
    assertSame(namesOf(declared.membersOf('HistoryHealth')), Object.keys(health.history));
  });

  it('the fields of the health report that are there with a spool only', async () => {
    const spoolDir = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-types-'));
    const analytics = new AnalyticsSystem({ logger: false, spoolDir });
    const { spool } = analytics.getHealth();
    await analytics.stop();
    fs.rmSync(spoolDir, { recursive: true });
    assertSame(namesOf(declared.membersOf('SpoolHealth')), Object.keys(spool));
  });

  it('what an option of two words may be', () => {
    assert.ok(known.choices.length > 1);
    for (const [name, words] of known.choices) {
      assertSame(options.find((option) => option.name === name).literals, words);
    }
  });

  for (const [union, field] of [
    ['RejectReason', 'rejected'],
    ['WarningReason', 'warnings'],
    ['DropReason', 'dropped'],
    ['DestinationDropReason', 'destinationDropped'],
    ['CircuitState', 'circuit'],
    ['TotalsState', 'totals'],
    ['HistoryState', 'history'],
    ['SpoolState', 'spool'],
  ]) {
    it(`every ${union}, each explained`, () => {
      const { members, doc } = declared.unionOf(union);
      assertSame(members, known.reasons[field]);
      assertSame(explained(doc), members);
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

  it('name the default and the bounds of each number of a destination', () => {
    const fields = declared.membersOf('DestinationOptions');
    const numeric = fields.filter(({ type }) => type.includes('number'));
    assertSame(namesOf(numeric), namesOf(known.destinationNumbers));
    for (const { name, fallback, min, max } of known.destinationNumbers) {
      const { doc, defaultText } = numeric.find((one) => one.name === name);
      assert.strictEqual(Number.parseInt(defaultText, 10), fallback, `default of ${name}`);
      const bounds = /from (\d+)(?: \([^)]*\))? to (\d+)/.exec(doc);
      assert.deepStrictEqual(bounds?.slice(1), [`${min}`, `${max}`], `bounds of ${name}`);
    }
  });

  it('name the environment variable of each option that holds a text', () => {
    assert.ok(known.textOptions.length > 0, 'the source has changed its form');
    for (const { name, variable } of known.textOptions) {
      const { doc } = options.find((one) => one.name === name);
      assert.strictEqual(/Environment: `(\w+)`/.exec(doc)?.[1], variable, name);
    }
  });

  it('name the bounds that the errors of text options name', () => {
    for (const [name, value, bounds] of [
      ['database', '/', /at most \d+ bytes/],
      ['collections', { daily: '$' }, /\d+ to \d+ bytes/],
    ]) {
      const { doc } = options.find((one) => one.name === name);
      const wrong = () => new AnalyticsSystem({ logger: false, [name]: value });
      assert.throws(wrong, (error) => doc.includes(bounds.exec(error.message)[0]));
    }
  });

  it('name every environment variable and give every option a default', () => {
    const named = options.flatMap(({ doc }) => doc.match(/\bANALYTICS_\w+/g) ?? []);
    assertSame(named, known.variables);
    const without = options.filter(({ defaultText }) => !defaultText);
    assert.deepStrictEqual(namesOf(without), ['collections']); // its members have theirs
  });
});

describe('the code that rejects records', () => {
  it('knows every reason but those that the native side finds', () => {
    const native = ['queue_full', 'stopped'];
    const unknown = known.reasons.rejected.filter((one) => !known.textsOfRejections.has(one));
    assertSame(unknown, native);
  });
});

describe('the documents', () => {
  it('have every option, its environment variable, default and bounds', () => {
    assertSame(namesOf(known.documentedOptions), namesOf(options));
    assertSame(
      known.documentedVariables.map(([variable]) => variable),
      known.variables,
    );
    const optionOf = (variable) => new Map(known.documentedVariables).get(variable);
    for (const { name, defaultText, bounds } of known.documentedOptions) {
      const numeric = known.numericOptions.find((one) => one.name === name);
      const text = known.textOptions.find((one) => one.name === name);
      const { variable } = numeric ?? text ?? {};
      if (variable !== undefined) assert.strictEqual(optionOf(variable).split(';')[0], name);
      if (!numeric) continue;
      assert.strictEqual(Number.parseInt(defaultText, 10), numeric.fallback, `default of ${name}`);
      assert.strictEqual(bounds, `${numeric.min} to ${numeric.max}`, `bounds of ${name}`);
    }
    const { defaultText } = known.documentedOptions.find(({ name }) => name === 'collections');
    const names = known.collections.map(([, name]) => name);
    assert.strictEqual(defaultText, names.join(', '));
  });

  it('have the defaults of every number of a destination', () => {
    for (const { name, fallback } of known.destinationNumbers) {
      const field = known.documentedFields.find((one) => one.name === name);
      assert.strictEqual(Number.parseInt(field?.defaultText, 10), fallback, `default of ${name}`);
    }
  });

  it('explain every field and reason of the health report', () => {
    const page = fs.readFileSync(path.join(known.ROOT, 'docs', 'monitoring.md'), 'utf8');
    const parts = ['Health', 'SpoolHealth', 'HistoryHealth', 'DestinationHealth', 'LastError'];
    const fields = parts.flatMap((part) => namesOf(declared.membersOf(part)));
    const reasons = Object.values(known.reasons).flat();
    const missing = [...fields, ...reasons].filter((name) => !page.match(`\`'?${name}'?\``));
    assert.deepStrictEqual(missing, []);
  });

  it('explain every total and the events that add to it', () => {
    const page = fs.readFileSync(path.join(known.ROOT, 'docs', 'data-model.md'), 'utf8');
    const names = [...known.totals, ...known.countedEvents];
    assert.deepStrictEqual(
      names.filter((name) => !page.includes(`\`${name}\``)),
      [],
    );
  });

  it('have every method, in the README', () => assertSame(known.methodsInReadme, declared.methods));
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
