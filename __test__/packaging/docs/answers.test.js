// docs/answers.md shows what the demo answers.
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { describe, it } = require('node:test');
const { startHost } = require('../../support/host');
const { useMongod } = require('../../support/setup');
const documents = require('./documents');

const mongo = useMongod();
const DAY_MS = 86_400_000;
/** The day on which the page was written. */
const WRITTEN = '2026-11-30';
const TIMEOUT_MS = 3 * 60_000;

const page = documents.readPages().find(({ name }) => name === 'docs/answers.md');

/** `[{ call, answer }]` that the demo prints. */
async function printed() {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const { code, stdout, stderr } = await startHost(
    path.join(documents.ROOT, 'examples/answers.js'),
    {
      env: { ANALYTICS_TEST_MONGODB_URI: mongo.uri },
      timeoutMs: TIMEOUT_MS,
    },
  ).finished;
  assert.deepStrictEqual([code, stderr], [0, '']);
  const parts = stdout.split(/^analytics\./m).slice(1);
  return parts.map((text) => {
    const end = text.indexOf('\n');
    return { call: text.slice(0, end), answer: asWritten(JSON.parse(text.slice(end)), today) };
  });
}

/** The answer as if it had been given when the page was written; moments are left out. */
function asWritten(answer, today) {
  const shifted = (day) =>
    new Date(Date.parse(day) - today + Date.parse(WRITTEN)).toISOString().slice(0, 10);
  return JSON.parse(JSON.stringify(answer), (name, value) => {
    if (name === 'asOf') return undefined;
    return name === 'day' ? shifted(value) : value;
  });
}

describe('docs/answers.md', () => {
  it('shows what the demo answers', async () => {
    const blocks = documents.blocksOf(page).filter(({ language }) => language === 'json');
    const shown = blocks.map(({ text }) => asWritten(JSON.parse(text), Date.parse(WRITTEN)));
    const found = await printed();
    assert.deepStrictEqual(
      shown,
      found.map(({ answer }) => answer),
    );
    const missing = found.filter(({ call }) => !page.text.includes(`\`${call}\``));
    assert.deepStrictEqual(
      missing.map(({ call }) => call),
      [],
    );
  });
});
