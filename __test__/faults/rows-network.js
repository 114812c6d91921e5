// The network between a server and MongoDB: lost replies, a black hole, latency and little bandwidth.
'use strict';

const { KINDS, entryOf, kindOf } = require('../integration/exactness/writes');
const { fates } = require('../support/proxy');
const { waitFor } = require('../support/wait');
const { all, conclude, delay, playHarmed, throughProxy } = require('./play');

/** Those that occur where no sessions were stored before. */
const KINDS_PLAYED = KINDS.slice(0, KINDS.indexOf('insert bases') + 1);
/** Lost replies of each kind; the reply to the repetition is lost, too. Bases are read again, not inserted again. */
const lossesOf = (kind) => (kind === 'insert bases' ? 1 : 2);
const LOST_MS = 30_000;
const KIB = 2 ** 10;

const isOf = (kind) => (request) => kindOf(request) === kind;

/** The reply to each kind of write is lost in turn, after the server has carried it out. */
async function repliesLost(context) {
  const { database, proxy, servers } = await throughProxy(context);
  const rounds = context.rounds(1, 10);
  const harm = async () => {
    const rules = KINDS_PLAYED.map((kind) =>
      proxy.rule({
        when: isOf(kind),
        fate: fates.loseReply,
        times: lossesOf(kind) * servers.length,
      }),
    );
    // Writes that each process does once a day come again with the next day.
    await all(servers, 'leap', 86_400_000);
    const areLost = () => missing(rules).length === 0;
    await waitFor(areLost, { timeoutMs: LOST_MS, what: 'lost replies' }).catch((error) => {
      throw new Error(`no replies were lost to: ${missing(rules).join(', ')}`, { cause: error });
    });
    for (const rule of rules) rule.remove();
    await comeLate(proxy, servers.length);
  };
  const recoveryMs = await playHarmed(servers, { database, rounds, harm });
  const row = await conclude(servers, database, { rounds, recoveryMs });
  const { tally } = proxy;
  const again = ['replays', 'duplicates', 'casConflicts'].map(
    (what) => `${tally.total(what)} ${what}`,
  );
  return { ...row, note: `${KINDS_PLAYED.length} kinds; at the proxy ${again.join(', ')}` };
}

/** An addition of each server arrives after its repetition, and matches nothing. */
async function comeLate(proxy, servers) {
  const late = new Map();
  const again = new Set();
  const fate = async (exchange) => {
    const writer = entryOf(exchange.request.body);
    if (!late.has(writer)) {
      late.set(writer, exchange);
      return exchange.leaveDriver();
    }
    if (!again.has(writer)) await late.get(writer).forward();
    again.add(writer);
    return exchange.forward();
  };
  const rule = proxy.rule({ when: isOf('add to day'), fate });
  // Each adds events, logins and logouts by themselves, and not always all of them.
  const areAgain = () => again.size >= servers;
  await waitFor(areAgain, { timeoutMs: LOST_MS, what: 'additions to be repeated' });
  rule.remove();
}

function missing(rules) {
  return KINDS_PLAYED.filter((kind, i) => rules[i].taken.length < lossesOf(kind));
}

/** Connections stay open, and nothing passes. */
async function blackHole(context) {
  const { database, proxy, servers } = await throughProxy(context);
  const lengthsMs = context.chosen([3_000], [3_000, 20_000]);
  const rounds = context.rounds(lengthsMs.length, lengthsMs.length);
  const harm = async (round) => {
    proxy.freeze();
    await delay(lengthsMs[round % lengthsMs.length]);
    proxy.thaw();
  };
  const recoveryMs = await playHarmed(servers, { database, rounds, harm, compares: true });
  return conclude(servers, database, { rounds, recoveryMs });
}

async function slow(context) {
  const { database, proxy, servers } = await throughProxy(context);
  const slowMs = context.chosen(5_000, 60_000);
  const rounds = context.rounds(1, 1);
  const harm = async () => {
    Object.assign(proxy, { latencyMs: 500, bytesPerSecond: 32 * KIB });
    await delay(slowMs);
    Object.assign(proxy, { latencyMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY });
  };
  const recoveryMs = await playHarmed(servers, { database, rounds, harm, compares: true });
  return conclude(servers, database, { rounds, recoveryMs });
}

module.exports = {
  11: { name: 'replies are lost, requests come late', run: repliesLost },
  12: { name: 'a black hole', run: blackHole },
  13: { name: '500 ms of latency and 32 kB/s', run: slow },
};
