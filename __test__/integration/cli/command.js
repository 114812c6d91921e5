// The command as a process of its own, and what it sends to the database.
'use strict';

const path = require('node:path');
const { startHost } = require('../../support/host');
const { startProxy } = require('../../support/proxy');

const ROOT = path.join(__dirname, '..', '..', '..');
const MAIN = path.join(ROOT, require('../../../package.json').bin['gso-analytics']);
const WRITES = [
  ...['insert', 'update', 'delete', 'findAndModify', 'create', 'createIndexes', 'collMod'],
  ...['drop', 'dropIndexes', 'dropDatabase', 'renameCollection'],
];

const linesOf = (text) => text.split('\n').filter(Boolean);

/** What it tells of its progress on a busy machine. */
const isProgress = (line) => /\(\d+ s\) …$/.test(line);

/** Runs `gso-analytics <args>` to its end: `{ code, stdout, stderr, problems }`, `problems` without progress. */
async function cli(args, { uri, env = {}, timeoutMs = 60_000 } = {}) {
  const variables = uri === undefined ? env : { ANALYTICS_MONGODB_URI: uri, ...env };
  const end = await startHost(MAIN, { args, env: variables, timeoutMs }).finished;
  return { ...end, problems: linesOf(end.stderr).filter((line) => !isProgress(line)) };
}

const isWrite = ({ command, body }) =>
  WRITES.includes(command) ||
  (body.pipeline ?? []).some((stage) => stage.$merge !== undefined || stage.$out !== undefined);

/** The same through a proxy; `writes` are the names of all commands that write. */
async function watchedCli(args, { server, database, ...options }) {
  const seen = [];
  const proxy = await startProxy(server.port, {
    observe: ({ command, body }) => seen.push({ command, body }),
  });
  const uri = `mongodb://127.0.0.1:${proxy.port}/${database.name}?directConnection=true`;
  try {
    const end = await cli(args, { uri, ...options });
    return { ...end, seen, writes: seen.filter(isWrite).map(({ command }) => command) };
  } finally {
    await proxy.close();
  }
}

module.exports = { MAIN, cli, linesOf, watchedCli };
