// Segments of a server that was killed, cut short and with flipped bits: what is whole is recovered.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { verify } = require('./oracle');
const { startServer } = require('./servers');

const HEADER = 36;
const FRAME_HEADER = 16;
const LOAD = { turn: { events: 3, logins: 1 }, everyMs: 5 };
/** Turns of the server: few, so that each sample is short. */
const TURNS = 8;
const BITS = 8;
/** Nothing listens there. */
const NOBODY = '127.0.0.1:1';

/** A server without a database leaves a spool, and its account. */
async function leaveSpool(context, database) {
  const folder = context.folder();
  const uri = `mongodb://${NOBODY}/${database.name}`;
  const options = { uri, spoolDir: folder };
  const server = await startServer({ name: 'dead', options, reports: true });
  server.play({ ...LOAD, turns: TURNS });
  await server.played;
  // Records are on disk a little after their turn is reported.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const account = await server.crash();
  const slot = path.join(folder, '0');
  const segments = fs.readdirSync(slot).filter((name) => name.endsWith('.seg'));
  if (segments.length !== 1) throw new Error(`one segment was expected, not ${segments}`);
  const file = path.join(slot, segments[0]);
  return { folder, file, account, bytes: fs.readFileSync(file) };
}

/** Where each frame begins and ends. */
function framesOf(bytes) {
  const frames = [];
  for (let at = HEADER; at < bytes.length; ) {
    const end = at + FRAME_HEADER + bytes.readUInt32LE(at);
    frames.push({ at, end });
    at = end;
  }
  return frames;
}

/** `count` positions from `from` on, spread over the whole, and the last. */
function spread(from, end, count) {
  const places = new Set([end - 1]);
  for (let i = 0; i < count; i++) places.add(from + Math.floor((i * (end - from)) / count));
  return [...places].sort((a, b) => a - b);
}

/** Starts a server on the slot with these bytes as its segment; answers its health report. */
async function recover({ folder, file, bytes, database }) {
  for (const name of ['gsoevents', 'gsosessions', 'gsodailies', 'gsouniques']) {
    await database.db.collection(name).deleteMany({});
  }
  const slot = path.dirname(file);
  for (const name of fs.readdirSync(slot).filter((one) => one.includes('.seg'))) {
    fs.rmSync(path.join(slot, name));
  }
  fs.writeFileSync(file, bytes);
  const options = { uri: database.uri, spoolDir: folder };
  const server = await startServer({ name: 'successor', options });
  const { health } = await server.leave();
  return health;
}

/**
 * Plays all `samples` of damage, each `{ what, bytes, expected }`: how many records must come back, as
 * `[least, most]`.
 */
async function playDamage(context, samplesOf) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const spool = await leaveSpool(context, database);
  const samples = samplesOf(spool, context);
  const sum = { accepted: 0, stored: 0, lost: 0, duplicated: 0, counterError: 0, replays: 0 };
  const problems = [];
  const frames = framesOf(spool.bytes).length;
  for (const { what, bytes, expected } of samples) {
    const health = await recover({ ...spool, bytes, database });
    const said = health.spool;
    // Whatever is recovered must be correct.
    const account = { ...spool.account, promised: { events: 0, logins: 0 } };
    const row = await verify(database.db, [account]);
    const [least, most] = expected;
    const isRight = said.recovered >= least && said.recovered <= most;
    if (!isRight) problems.push(`${what}: ${said.recovered} recovered, should be ${expected}`);
    if (row.stored > said.recovered) problems.push(`${what}: ${row.stored} stored`);
    problems.push(...row.problems.map((problem) => `${what}: ${problem}`));
    sum.accepted += least;
    sum.stored += said.recovered;
    sum.lost += Math.max(0, least - said.recovered);
    sum.duplicated += row.duplicated;
    sum.counterError += row.counterError;
    sum.replays += said.recovered;
  }
  return { ...sum, rounds: samples.length, problems, note: `${frames} records` };
}

function cut(context) {
  return playDamage(context, ({ bytes }) => {
    const frames = framesOf(bytes);
    const count = context.rounds(25, 200);
    return spread(0, bytes.length, count).map((length) => {
      const whole = frames.filter(({ end }) => end <= length).length;
      const what = `cut at ${length}`;
      return { what, bytes: bytes.subarray(0, length), expected: [whole, whole] };
    });
  });
}

function flipped(context) {
  return playDamage(context, ({ bytes }) => {
    const frames = framesOf(bytes);
    const count = context.rounds(25, 200);
    return spread(0, bytes.length * BITS, count).map((bit) => {
      const at = Math.floor(bit / BITS);
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 1 << (bit % BITS);
      // Without its header nothing in it can be trusted.
      const left = at < HEADER ? 0 : frames.length - 1;
      return { what: `bit ${bit}`, bytes: damaged, expected: [left, left] };
    });
  });
}

module.exports = {
  3: { name: 'a segment is cut short', run: cut },
  4: { name: 'a bit of a segment is flipped', run: flipped },
};
