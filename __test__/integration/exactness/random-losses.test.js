// Sixteen game servers cross the end of a month while their connections lose replies and requests, delay
// them, are reset, cut and frozen, at random. Old sessions are summed up meanwhile. Afterwards everything is
// exact, and every kind of write has met a loss. The seed is printed; it chooses the fate of each command,
// but not when commands come.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { setTimeout: delay } = require('node:timers/promises');
const { useMongod } = require('../../support/setup');
const { fates, startProxy } = require('../../support/proxy');
const { generator } = require('../../support/random');
const { audit } = require('./audit');
const { storeOldDays } = require('./old-days');
const { freshMetrics, troubles, users, withServers } = require('./servers');
const { KINDS, Tally, kindOf } = require('./writes');

const mongo = useMongod({ own: true });

const SERVERS = 16;
const DAYS = ['2036-02-29', '2036-03-01'];
const ROUND = { events: 5, logins: 1, logouts: 1 };
const PAUSE_MS = 50;
/** Rounds until midnight, and how far the clock advances in each. */
const ROUNDS_OF_DAY = 60;
const ROUND_MS = 17_000;
const PLAY_MS = 12_000;
/** The time in which everything must be written after the losses have ended. */
const END_MS = 60_000;

/** Frequency of each fate of a command of the addon. */
const CHANCES = { loseReply: 0.08, loseRequest: 0.04, late: 0.04, delay: 0.05, reset: 0.02 };

const midnight = Date.parse(`${DAYS[1]}T00:00:00.000Z`);
const times = Array.from(
  { length: 10 * ROUNDS_OF_DAY },
  (_, i) => midnight + (i - ROUNDS_OF_DAY) * ROUND_MS,
);

/** The faults of a proxy, from when it is told to begin. */
class Losses {
  constructor(proxy, random) {
    this.proxy = proxy;
    this.random = random;
    /** Lost replies to commands that the server had carried out, by kind of write. */
    this.lost = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
    this.kept = [];
    this.late = [];
  }

  between(least, most) {
    return least + this.random() * (most - least);
  }

  begin() {
    const when = ({ command }) => command !== undefined && command !== 'hello';
    // Rare kinds must not be left to chance.
    for (const kind of KINDS) {
      const isOfKind = (request) => kindOf(request) === kind;
      const isNotLostYet = (request) => this.lost[kind] === 0 && isOfKind(request);
      this.proxy.rule({ when: isNotLostYet, fate: (exchange) => this.loseReply(kind, exchange) });
      const { taken } = this.proxy.rule({ when: isOfKind, fate: fates.late, times: 1 });
      this.kept.push(taken);
    }
    this.byChance = Object.entries(CHANCES).map(([name, chance]) =>
      this.proxy.rule({ when, fate: this.fate(name), chance, random: this.random }),
    );
  }

  /** From now on only kinds of write that have not met a loss do. */
  calm() {
    for (const rule of this.byChance) rule.remove();
  }

  async loseReply(kind, exchange) {
    const reply = await exchange.forward({ silently: true });
    exchange.cut();
    // A cut of all connections may have been first.
    if (reply?.body.ok === 1) this.lost[kind] += 1;
  }

  fate(name) {
    if (name === 'late') return (exchange) => this.beLate(exchange, this.between(10, 1_500));
    if (name === 'delay') return (exchange) => fates.delay(this.between(5, 400))(exchange);
    return fates[name];
  }

  /** The server receives it a while after the driver has lost its connection. */
  beLate(exchange, milliseconds) {
    exchange.leaveDriver();
    this.late.push(delay(milliseconds).then(() => exchange.forward()));
  }

  /** All connections at once now and then, and once nothing passes for a while. */
  async harass(forMs) {
    const end = performance.now() + forMs;
    this.proxy.freeze();
    await delay(this.between(300, 1_000));
    this.proxy.thaw();
    // What is late has no driver any more, and is to arrive.
    const chosen = ({ isWithoutDriver }) => !isWithoutDriver && this.random() < 0.5;
    while (performance.now() < end) {
      await delay(this.between(500, 2_500));
      this.proxy.cut({ chosen, reset: this.random() < 0.5 });
    }
  }

  /** What was kept back comes now: it is the oldest of its kind, and has long been repeated. */
  async end() {
    this.proxy.rules = [];
    await Promise.all([...this.late, ...this.kept.flat().map((exchange) => exchange.forward())]);
  }
}

async function playWithLosses(servers, losses) {
  const all = (what, given) => Promise.all(servers.map((server) => server.tell(what, given)));
  losses.begin();
  await all('start');
  const played = all('play', { round: ROUND, times, pauseMs: PAUSE_MS });
  await losses.harass(PLAY_MS);
  await all('enough');
  await played;
  const begun = performance.now();
  losses.calm();
  await all('getMetrics');
  await losses.end();
  const accounts = await Promise.all(servers.map((server) => server.leave()));
  return { accounts, recoveryMs: Math.round(performance.now() - begun) };
}

/** Every kind of write has lost a reply to something that was done, and all that follows occurred. */
function assertHarmed({ lost }, tally) {
  // The end of a claim is not repeated, so its loss may have been hidden by another.
  const harmed = KINDS.filter((kind) => kind !== 'end claim');
  for (const kind of harmed) assert.ok(lost[kind] > 0, `no reply to "${kind}" was lost`);
  for (const kind of ['insert events', 'insert sessions', 'insert markers', 'insert bases']) {
    assert.ok(tally.kinds[kind].duplicates > 0, `no duplicate key at "${kind}"`);
  }
  assert.ok(tally.kinds['add to day'].casConflicts > 0, 'no compare-and-set missed');
  for (const kind of ['close sessions', 'ensure day', 'mark old users']) {
    assert.ok(tally.kinds[kind].replays > 0, `nothing of "${kind}" was sent again`);
  }
}

describe(`${SERVERS} servers with random losses`, () => {
  it('write everything once', async (t) => {
    const database = mongo.database();
    const seed = Date.now() % 1_000_000;
    t.diagnostic(`seed ${seed}`);
    const tally = new Tally();
    const proxy = await startProxy(mongo.server.port, tally);
    const losses = new Losses(proxy, generator(seed));
    const old = await storeOldDays(database.db, { days: DAYS, seed });
    const settings = Array.from({ length: SERVERS }, (_, i) => ({
      ...{ uri: proxy.uri(database.name), seed: seed + i, users: users(i * 6, 30) },
      clock: new Date(times[0]).toISOString(),
    }));
    const { accounts, recoveryMs } = await withServers(settings, (servers) =>
      playWithLosses(servers, losses),
    );
    await proxy.close();
    const metrics = await freshMetrics(database.uri, DAYS);
    t.diagnostic(`${troubles(accounts)}; written ${recoveryMs} ms after the last loss`);
    for (const line of tally.lines()) t.diagnostic(line);
    const counts = ['replays', 'duplicates', 'casConflicts'].map(
      (what) => `${tally.total(what)} ${what}`,
    );
    t.diagnostic(`in all ${counts.join(', ')}`);
    t.diagnostic(JSON.stringify(await audit(database.db, [old, ...accounts], { metrics })));
    assertHarmed(losses, tally);
    assert.ok(recoveryMs < END_MS);
  });
});
