// A game server on `cluster`, for cluster.test.js: `node cluster-host.js <settings as JSON>`.
//
// Each worker connects mongoose, logs in the same users and tracks. A victim tracks another event,
// is killed in the middle of it and replaced. At the end all are disconnected and end by themselves.
'use strict';

const cluster = require('node:cluster');
const { once } = require('node:events');

const settings = JSON.parse(process.argv[2]);
const USERS = Array.from({ length: settings.users }, (_, i) => `user ${i}`);

function fork(role) {
  const worker = cluster.fork({ ROLE: role });
  const ended = once(worker, 'exit').then(([code, signal]) => signal ?? code);
  return { worker, ended };
}

/** Kills a flooding worker once it has stored something; `{ sent, signal }`. */
async function killOne() {
  const { worker, ended } = fork('victim');
  let sent = 0;
  await new Promise((resolve) => {
    worker.on('message', (message) => {
      sent = message.sent;
      if (sent >= settings.victimEvents) resolve();
    });
  });
  worker.process.kill('SIGKILL');
  return { sent, signal: await ended };
}

async function primary() {
  const workers = Array.from({ length: settings.workers }, () => fork('survivor'));
  const done = workers.map(({ worker }) => once(worker, 'message'));
  const killed = [];
  for (let i = 0; i < settings.kills; i++) killed.push(await killOne());
  await Promise.all(done);
  const asked = Date.now();
  await new Promise((resolve) => cluster.disconnect(resolve));
  const codes = await Promise.all(workers.map(({ ended }) => ended));
  console.log(JSON.stringify({ codes, killed, disconnectMs: Date.now() - asked }));
}

async function begin() {
  const mongoose = require('mongoose');
  const AnalyticsSystem = require('../../..');
  const logger = { info() {}, warn() {}, error: console.error };
  const analytics = new AnalyticsSystem({ logger, operationTimeoutMs: 60_000 });
  analytics.start();
  await mongoose.connect(settings.uri);
  process.once('disconnect', async () => {
    await analytics.stop();
    await mongoose.disconnect();
  });
  return analytics;
}

async function survivor() {
  const analytics = await begin();
  for (const user of USERS) analytics.onLogin(user, 'name');
  for (let i = 0; i < settings.rounds; i++) {
    analytics.track('dungeon.complete', USERS[i % USERS.length], { i });
    analytics.track('credits.earn', USERS[i % USERS.length], { amount: 3 });
    if (i % 50 === 0) await analytics.onLogout(USERS[i % USERS.length]);
  }
  process.send('done');
}

async function victim() {
  const analytics = await begin();
  for (const user of USERS) analytics.onLogin(user, 'name');
  for (let sent = 20; ; sent += 20) {
    for (let i = 0; i < 20; i++) analytics.track('craft.complete', 'victim', { i });
    // Some of what was told is stored and counted, some only stored, some neither.
    await (sent % 500 === 0 ? analytics.flush() : new Promise((resolve) => setTimeout(resolve, 2)));
    process.send({ sent });
  }
}

const roles = { survivor, victim };
if (cluster.isPrimary) primary();
else roles[process.env.ROLE]();
