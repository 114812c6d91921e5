// Who gets what from the server of the page: names, tokens, methods, headers.
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const { once } = require('node:events');
const { after, before, describe, it } = require('node:test');
const { Guard, tokenProblem } = require('../../lib/dashboard/guard.js');
const { inlined } = require('../../lib/dashboard/page.js');
const { HOSTILE, figuresOf } = require('./figures.js');
const { TOKEN, serveFigures } = require('./pages.js');

const GOOD = { authorization: `Bearer ${TOKEN}` };

describe('the server of the page', () => {
  let server;
  before(async () => {
    server = await serveFigures(figuresOf());
  });
  after(() => server.close());

  async function ask(path, { method = 'GET', headers = {} } = {}) {
    const request = http.request({ host: '127.0.0.1', port: server.port, path, method, headers });
    request.end();
    const [response] = await once(request, 'response');
    let body = '';
    for await (const part of response.setEncoding('utf8')) body += part;
    return { status: response.statusCode, headers: response.headers, body };
  }

  it('serves the page without a token, and no figure in it', async () => {
    const { status, body, headers } = await ask('/');
    assert.strictEqual(status, 200);
    assert.match(headers['content-type'], /^text\/html/);
    assert.doesNotMatch(body, /"(?:dau|now|cents)":/);
    for (const name of HOSTILE.slice(0, 3)) assert.ok(!body.includes(name));
  });

  it('has a policy without unsafe-*, with a nonce of its own each time', async () => {
    const policies = [await ask('/'), await ask('/')].map(
      ({ headers }) => headers['content-security-policy'],
    );
    assert.notStrictEqual(policies[0], policies[1]);
    for (const policy of policies) {
      assert.match(
        policy,
        /^default-src 'none'; script-src 'nonce-[\w+/=]{20,}'; style-src 'nonce-/,
      );
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    }
  });

  it('gives figures to whoever has the token only', async () => {
    assert.strictEqual((await ask('/data/players', { headers: GOOD })).status, 200);
    const wrong = [
      '',
      TOKEN,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Basic ${TOKEN}`,
      'Bearer ',
    ];
    for (const authorization of wrong) {
      const { status, body } = await ask('/data/players', { headers: { authorization } });
      assert.strictEqual(status, 401, authorization);
      assert.doesNotMatch(body, /dau/);
    }
    assert.strictEqual((await ask(`/data/players?token=${TOKEN}`)).status, 404);
  });

  it('is served under its own name only', async () => {
    for (const host of [
      'evil.example',
      'evil.example:8417',
      `evil.example:${server.port}`,
      '127.0.0.1',
    ]) {
      const { status } = await ask('/data/players', { headers: { ...GOOD, host } });
      assert.strictEqual(status, 421, host);
      assert.strictEqual((await ask('/', { headers: { host } })).status, 421);
    }
    const localhost = { ...GOOD, host: `localhost:${server.port}` };
    assert.strictEqual((await ask('/data/players', { headers: localhost })).status, 200);
  });

  it('says how to open it where its port is forwarded', async () => {
    const { status, body } = await ask('/', { headers: { host: 'localhost:9000' } });
    assert.strictEqual(status, 421);
    const { message } = JSON.parse(body).error;
    assert.match(message, new RegExp(`take port ${server.port} on both sides`));
  });

  it('is read only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const { status, headers } = await ask('/data/players', { method, headers: GOOD });
      assert.strictEqual(status, 405, method);
      assert.strictEqual(headers.allow, 'GET, HEAD');
    }
    const { status, body } = await ask('/data/players', { method: 'HEAD', headers: GOOD });
    assert.deepStrictEqual([status, body], [200, '']);
  });

  it('lets nothing be kept, sniffed or referred to', async () => {
    for (const path of ['/', '/data/players', '/nothing']) {
      const { headers } = await ask(path, { headers: GOOD });
      assert.strictEqual(headers['cache-control'], 'no-store');
      assert.strictEqual(headers['x-content-type-options'], 'nosniff');
      assert.strictEqual(headers['referrer-policy'], 'no-referrer');
      assert.strictEqual(headers['access-control-allow-origin'], undefined);
    }
  });

  it('knows no other paths, and no names of objects', async () => {
    for (const path of [
      '/data/',
      '/data/constructor',
      '/data/__proto__',
      '/page/main.mjs',
      '/../package.json',
      '//',
    ]) {
      assert.strictEqual((await ask(path, { headers: GOOD })).status, 404, path);
    }
  });
});

describe('a server on all addresses', () => {
  it('is served on loopback, as in a container whose port is forwarded, and under no other name', () => {
    const guard = new Guard({ token: TOKEN, host: '0.0.0.0' });
    const socket = { localPort: 8417, localAddress: '172.17.0.2' };
    const isForUs = (host) => guard.isForUs({ headers: { host }, socket });
    for (const host of ['localhost', '127.0.0.1', '[::1]', '172.17.0.2'])
      assert.ok(isForUs(`${host}:8417`), host);
    for (const host of ['evil.example:8417', '172.17.0.3:8417', 'localhost:9000', '127.0.0.1'])
      assert.ok(!isForUs(host), host);
  });
});

describe('a token', () => {
  it('has 16 printable characters or more', () => {
    assert.strictEqual(tokenProblem('x'.repeat(16)), null);
    for (const token of [
      'x'.repeat(15),
      `${'x'.repeat(15)} `,
      `${'x'.repeat(15)}ü`,
      `${'x'.repeat(20)}\n`,
    ]) {
      assert.notStrictEqual(tokenProblem(token), null, token);
    }
  });
});

describe('figures inside a file', () => {
  it('end no script and lose nothing', () => {
    const text = inlined(HOSTILE);
    assert.doesNotMatch(text, /[<>\u2028\u2029]/);
    assert.deepStrictEqual(JSON.parse(text), HOSTILE);
  });
});
