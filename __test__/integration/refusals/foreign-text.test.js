// Messages of servers and services are shown in one short line, without values of documents and without
// credentials: in log lines, errors and the health report.
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { after, describe, it } = require('node:test');
const { fates, startProxy } = require('../../support/proxy');
const { waitFor } = require('../../support/wait');
const { create, useMongod } = require('../../support/setup');
const { kindOf } = require('../exactness/writes');

const mongo = useMongod();

const SECRET = 's3cret-value';
const LONGEST_LINE = 1_200;
const SHORT = { ackTimeoutMs: 300, operationTimeoutMs: 1_500, shutdownTimeoutMs: 300 };
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/;

const cleanups = [];
after(() => Promise.all(cleanups.map((cleanup) => cleanup())));

/** Every text that an operator can see. */
function assertClean(texts, hidden = [SECRET]) {
  assert.ok(texts.length > 0);
  for (const text of texts) {
    const shown = JSON.stringify(text);
    assert.ok(!CONTROL.test(text), shown);
    assert.ok(text.length <= LONGEST_LINE, shown);
    for (const secret of hidden) assert.ok(!text.includes(secret), `${secret} in ${shown}`);
  }
}

/** All texts within the health report. */
function textsOf(value) {
  if (typeof value === 'string') return [value];
  return value && typeof value === 'object' ? Object.values(value).flatMap(textsOf) : [];
}

const CODES = { moment: 91, collection: 13, content: 16755, 'unknown kind': 987_654 };
const MESSAGE = `no\r\n[ANALYTICS] forged \u001b[31mred\u0007\u2028 { note: "${SECRET}" } '${SECRET}'${'!'.repeat(5_000)}`;

describe('the message of a server about', { concurrency: 2 }, () => {
  for (const [name, code] of Object.entries(CODES)) {
    for (const kind of ['insert events', 'insert sessions', 'add to day', 'insert markers']) {
      it(`a ${name}, to "${kind}"`, async () => {
        const database = mongo.database();
        const proxy = await startProxy(mongo.server.port);
        cleanups.push(() => proxy.close());
        const when = (request) => kindOf(request) === kind;
        const fate = fates.refuse({ code, codeName: 'Odd', errmsg: MESSAGE });
        const refused = proxy.rule({ when, fate });
        const { analytics, lines } = create({ uri: proxy.uri(database.name), ...SHORT });
        analytics.start();
        analytics.track('chat', 'u', {});
        await analytics.onLogin('u', 'U');
        const error = await analytics.flush().then(
          () => undefined,
          (thrown) => thrown,
        );
        await waitFor(() => refused.taken.length > 0 && analytics.getHealth().lastError, {
          what: 'the refusal',
        });
        const thrown = error ? [error.message] : [];
        assertClean([...lines, ...thrown, ...textsOf(analytics.getHealth())]);
        refused.remove();
      });
    }
  }
});

describe('the message of a server about a document that it refuses', () => {
  const INDEXES = {
    'a duplicate key': [{ 'data.code': 1 }, { unique: true }, { code: `${SECRET} } "x" ` }],
    'no shape': [{ 'data.at': '2dsphere' }, {}, { at: { type: SECRET, coordinates: [1, SECRET] } }],
    'a place that is text': [{ 'data.at': '2d' }, {}, { at: [SECRET, SECRET] }],
    'an unknown language': [{ 'data.text': 'text' }, {}, { text: 'x', language: SECRET }],
    'two lists': [{ 'data.a': 1, 'data.b': 1 }, {}, { a: [SECRET], b: [SECRET] }],
  };
  for (const [name, [keys, options, data]] of Object.entries(INDEXES)) {
    it(name, async () => {
      const database = mongo.database();
      await database.db.collection('gsoevents').createIndex(keys, options);
      const { analytics, lines } = create({ uri: database.uri });
      for (let i = 0; i < 2; i++) analytics.track('odd', 'u', data);
      await analytics.flush();
      assert.ok(analytics.getHealth().dropped.refused_by_server > 0);
      assert.ok(lines.some((line) => /\(code \d+\)/.test(line)));
      assertClean([...lines, ...textsOf(analytics.getHealth())]);
    });
  }
});

describe('the answer of a service', () => {
  it('that quotes what it was sent is shown without it', async () => {
    const [token, password] = ['t0ken-of-mixpanel', 'p4ss word/of-url'];
    const seen = [];
    const server = http.createServer((request, response) => {
      const { authorization = 'none' } = request.headers;
      const quoted = `${authorization}\n\u001b[2J${token} ${password} ${request.url}`;
      seen.push(authorization);
      const failed = [{ index: 0, field: 'token\r\n', message: quoted.repeat(50) }];
      request.resume().on('end', () => {
        response.writeHead(400).end(JSON.stringify({ code: 400, failed_records: failed }));
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => new Promise((resolve) => server.close(resolve)));
    const host = `127.0.0.1:${server.address().port}`;
    const url = `http://user:${encodeURIComponent(password)}@${host}`;
    const destinations = [{ name: 'mixpanel', format: 'mixpanel', token, url }];
    const { analytics, lines } = create({ uri: mongo.database().uri, destinations });
    analytics.track('chat', 'u', {});
    await waitFor(() => analytics.getHealth().destinations[0].lastError, { what: 'the answer' });
    assert.ok(seen[0].startsWith('Basic '));
    const header = seen[0].slice('Basic '.length);
    const hidden = [token, password, encodeURIComponent(password), header];
    await waitFor(() => lines.some((line) => line.includes('was refused')), { what: 'the line' });
    assertClean([...lines, ...textsOf(analytics.getHealth())], hidden);
  });
});
