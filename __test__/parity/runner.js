// Plays one scenario on a fresh database and observes what a caller, a webhook receiver and a
// reader of the database would see. Only ids are renamed: `<collection>[<position>]._id`.
'use strict';

const crypto = require('node:crypto');
const path = require('node:path');
const { MongoClient } = require('../support/driver');
const { runHost } = require('../support/host');
const { dropDatabases, freshDatabaseName, withDatabase } = require('../support/mongod');
const { startWebhook } = require('../support/webhook');
const { REPORT } = require('./host-program');
const { readDatabase, readIndexes } = require('./read-database');

const PROGRAM = path.join(__dirname, 'host-program.js');
const HOST_TIMEOUT_MS = 45_000;
const LONGEST_TEXT = 1_000;

/**
 * `{ returned, printed, database, indexes?, webhook? }` of the scenario, as plain JSON. `host`: how its
 * processes are started, `{ node, env, timeoutMs }` as `startHost` takes them.
 */
async function observe(scenario, { implementation, server, host = {} }) {
  const databaseName = freshDatabaseName();
  const client = new MongoClient(server.uri);
  const webhook = scenario.webhook ? await startWebhook() : undefined;
  try {
    const db = client.db(databaseName);
    if (scenario.seed) await scenario.seed(db);
    const environment = hostEnvironment({ implementation, server, databaseName, webhook });
    const hosts = await playHosts(scenario, environment, host);
    const seen = await readEverything(scenario, db, webhook, implementation.kind);
    return withoutIds({ ...mergeHosts(hosts), ...seen });
  } finally {
    await webhook?.close();
    await client.close();
    await dropDatabases(server.uri, [databaseName]);
  }
}

function hostEnvironment({ implementation, server, databaseName, webhook }) {
  return {
    PARITY_IMPLEMENTATION: implementation.file,
    PARITY_KIND: implementation.kind,
    PARITY_URI: withDatabase(server.uri, databaseName),
    PARITY_DATABASE: databaseName,
    // Dates are cast to text in the local time zone.
    TZ: 'UTC',
    ...(webhook ? { PARITY_WEBHOOK_URL: webhook.url } : {}),
  };
}

async function playHosts(scenario, environment, host) {
  const env = { ...environment, ...host.env };
  if (scenario.webhook === 'from the start') env.ANALYTICS_WEBHOOK_URL = env.PARITY_WEBHOOK_URL;
  const options = (number) => ({
    args: [scenario.group, scenario.name, String(number)],
    timeoutMs: HOST_TIMEOUT_MS,
    ...host,
    env,
  });
  const count = scenario.processes?.length ?? 1;
  if (scenario.atOnce) {
    const numbers = Array.from({ length: count }, (_, number) => number);
    return Promise.all(numbers.map((number) => runHost(PROGRAM, options(number))));
  }
  const results = [];
  for (let number = 0; number < count; number += 1) {
    results.push(await runHost(PROGRAM, options(number)));
  }
  return results;
}

/** What the processes printed on stdout, their reports taken out of it. */
function mergeHosts(hosts) {
  const returned = {};
  const printed = [];
  hosts.forEach(({ stdout, stderr }, number) => {
    const lines = stdout.split('\n').filter(Boolean);
    const report = lines.find((line) => line.startsWith(REPORT));
    if (!report) throw new Error(`the host ended without a report\n${stdout}\n${stderr}`);
    const prefix = hosts.length > 1 ? `process ${number + 1}: ` : '';
    for (const [name, value] of Object.entries(JSON.parse(report.slice(REPORT.length)))) {
      returned[prefix + name] = value;
    }
    printed.push(...lines.filter((line) => line !== report).map((line) => prefix + line));
  });
  return { returned, printed };
}

async function readEverything(scenario, db, webhook, kind) {
  const { database, labels } = await readDatabase(db);
  const seen = { database, labels };
  if (scenario.indexes) seen.indexes = await readIndexes(db);
  if (webhook) {
    // The hosts have ended, so nothing more is sent; what is missing shows in the comparison.
    const count = scenario.webhookRequests[kind] ?? scenario.webhookRequests;
    await webhook.waitForRequests(count, 2_000).catch(() => {});
    seen.webhook = webhook.requests.map(describeRequest).sort((a, b) => (a.body < b.body ? -1 : 1));
  }
  return seen;
}

function describeRequest({ method, path: target, headers, text }) {
  return { method, path: target, contentType: headers['content-type'], body: text };
}

function withoutIds({ labels, ...observation }) {
  const text = JSON.stringify(observation);
  return JSON.parse(
    text.replace(/[0-9a-f]{24}/g, (hex) => labels.get(hex) ?? hex),
    shortened,
  );
}

/** A JSON reviver: a long text is shown by its beginning, its length and its hash. */
function shortened(_key, value) {
  if (typeof value !== 'string' || value.length <= LONGEST_TEXT) return value;
  const hash = crypto.createHash('sha256').update(value).digest('hex').slice(0, 16);
  return `${value.slice(0, 20)}… (${value.length} characters, sha256 ${hash}…)`;
}

module.exports = { observe };
