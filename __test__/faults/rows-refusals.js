// MongoDB refuses a whole command because of one document, or everything for one collection. All other
// records are stored and counted meanwhile.
'use strict';

const { kindOf } = require('../integration/exactness/writes');
const { fates } = require('../support/proxy');
const { waitFor } = require('../support/wait');
const { conclude, delay, playHarmed, throughProxy } = require('./play');

const REFUSED_MS = 15_000;
/** Once all users are known, only events with a key need their markers. */
const KEYED = { turn: { events: 20, logins: 1, keyed: true }, everyMs: 33 };
const COLLECTIONS = ['gsoevents', 'gsosessions', 'gsodailies', 'gsouniques'];
const UNAUTHORIZED = { code: 13, codeName: 'Unauthorized', errmsg: 'not authorized, by the test' };
const INVALID = { code: 22, codeName: 'InvalidBSON', errmsg: 'invalid, by the test' };

/** Every command that holds a certain event is refused: only that event is dropped. */
async function commandRefused(context) {
  const { database, proxy, servers } = await throughProxy(context);
  const isPoisoned = (request) =>
    kindOf(request) === 'insert events' &&
    request.body.documents.some(({ event }) => event === 'forbidden');
  proxy.rule({ when: isPoisoned, fate: fates.refuse(INVALID) });
  const rounds = context.rounds(2, 10);
  const harm = async () => {
    for (const server of servers) await server.tell('extra', ['forbidden', 'user1', {}]);
  };
  const recoveryMs = await playHarmed(servers, { database, rounds, harm });
  const given = { rounds, recoveryMs, allowed: ['refused_by_server'] };
  const row = await conclude(servers, database, given);
  const [dropped, expected] = [row.dropped.refused_by_server ?? 0, rounds * servers.length];
  if (dropped !== expected) row.problems.push(`${dropped} dropped, should be ${expected}`);
  return { ...row, note: `${dropped} dropped` };
}

/** One collection after the other refuses everything, while another goes on. */
async function collectionRefused(context) {
  const { database, proxy, servers } = await throughProxy(context);
  const rounds = context.rounds(COLLECTIONS.length, 3 * COLLECTIONS.length);
  const harm = async (round) => {
    const refused = COLLECTIONS[round % COLLECTIONS.length];
    const rule = proxy.rule({
      when: ({ command, body }) => body[command] === refused,
      fate: fates.refuse(UNAUTHORIZED),
    });
    const other = refused === 'gsoevents' ? 'gsosessions' : 'gsoevents';
    const before = await database.count(other);
    const goesOn = async () => rule.taken.length > 0 && (await database.count(other)) > before;
    await waitFor(goesOn, { timeoutMs: REFUSED_MS, what: `${other} without ${refused}` });
    await delay(context.chosen(1_000, 5_000));
    rule.remove();
  };
  const recoveryMs = await playHarmed(servers, { database, rounds, harm, load: KEYED });
  const row = await conclude(servers, database, { rounds, recoveryMs });
  return { ...row, note: `${COLLECTIONS.length} collections` };
}

module.exports = {
  35: { name: 'a command is refused for one event', run: commandRefused },
  36: { name: 'a collection refuses everything', run: collectionRefused },
};
