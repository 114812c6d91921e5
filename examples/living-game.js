// The game of thirty-days.js: its past goes into a database, and its present is played by two processes of the
// game, here two instances in one, until it is stopped.
'use strict';

const mongoose = require('mongoose');
const AnalyticsSystem = require('..');
const { Dice } = require('./day');
const { HOURS, planThirtyDays } = require('./thirty-days');

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const BATCH = 5_000;
const TURN_MS = 2_000;
/** Logins per turn for each of `HOURS`, about those of the past days. */
const LOGIN_CHANCE = 0.003;
/** Stands for the processes that ran today before this one. */
const EARLIER = 'e0e0e0e0e0';
/** Of a game that declares one. */
const FUNNELS = {
  'first purchase': {
    steps: ['user.register', 'dungeon.complete', 'credits.spend', 'stripe.payment'],
    windowS: 86_400,
  },
};

/** Fills the database, begins to play, and resolves when the past is reported. */
async function beginGame(uri, { say = () => {} } = {}) {
  const now = Date.now();
  const plan = planThirtyDays(now);
  await fill(uri, plan, now);
  const game = new LivingGame(uri, plan.online);
  await game.begin();
  say('the past is stored, its days are being reported …');
  await game.instances[0].getActivity({ days: 31 });
  return game;
}

async function fill(uri, { sessions, events, purchases, days, online }, now) {
  const connection = await mongoose.createConnection(uri).asPromise();
  const insert = async (name, documents) => {
    for (let from = 0; from < documents.length; from += BATCH) {
      await connection.collection(name).insertMany(documents.slice(from, from + BATCH));
    }
  };
  // Events expire after 7 days, when this index says so. Here it does not: their days were not reported yet.
  await connection.collection('gsoevents').createIndex({ ts: 1 }, { name: 'ts_1' });
  await insert('gsosessions', sessions);
  await insert('gsoevents', events);
  await insert('gsopurchases', purchases);
  await insert('gsodailies', days);
  await insert('gsoreports', samplesOfToday([...sessions, ...online], now));
  await connection.close();
}

/** How many were online in each minute of today, as the processes that ran then have stored it. */
function samplesOfToday(sessions, now) {
  const start = Math.floor(now / DAY) * DAY;
  const recent = sessions.filter(({ logoutAt }) => Number(logoutAt) > start);
  const hours = new Map();
  for (let at = start; at < now - MINUTE; at += MINUTE) {
    const isOnline = ({ loginAt, logoutAt }) => Number(loginAt) <= at && Number(logoutAt) > at;
    const [hour, minute] = new Date(at).toISOString().slice(0, 16).split(':');
    const _id = `p:${hour}:${EARLIER}`;
    if (!hours.has(hour)) hours.set(hour, { _id, m: {}, x: new Date(start + 4 * DAY) });
    hours.get(hour).m[minute] = recent.filter(isOnline).length;
  }
  return [...hours.values()];
}

class LivingGame {
  dice = new Dice(Date.now());
  guests = 0;

  constructor(uri, online) {
    this.online = [...online];
    this.instances = ['eu-1', 'us-1'].map(
      (instanceName) =>
        new AnalyticsSystem({
          ...{ uri, instanceName, funnels: FUNNELS, operationTimeoutMs: 120_000 },
          logger: { info() {}, warn: console.error, error: console.error },
        }),
    );
  }

  async begin() {
    for (const instance of this.instances) instance.start();
    await Promise.all(this.online.map(({ id }) => this.of(id).onLogin(id, id)));
    this.timer = setInterval(() => this.turn(), TURN_MS);
  }

  /** Players stay with one process. */
  of(id) {
    return this.instances[id.charCodeAt(id.length - 1) % this.instances.length];
  }

  turn() {
    const leaving = this.online.filter(({ logoutAt }) => logoutAt <= Date.now());
    this.online = this.online.filter((player) => !leaving.includes(player));
    for (const { id } of leaving) this.of(id).onLogout(id);
    if (this.dice.chance(LOGIN_CHANCE * HOURS[new Date().getUTCHours()])) this.join();
    for (const { id } of this.online) if (this.dice.chance(0.004)) this.play(id);
  }

  join() {
    this.guests += 1;
    const id = `guest-${this.guests}`;
    this.online.push({ id, logoutAt: Date.now() + this.dice.between(5, 90) * MINUTE });
    this.of(id).onLogin(id, id);
    this.of(id).track('user.register', id, { from: 'store' });
  }

  play(id) {
    this.of(id).track('dungeon.complete', id, { dungeon: 'crypt' });
    this.of(id).track('credits.earn', id, {
      amount: this.dice.between(60, 240),
      reason: 'dungeon',
    });
  }

  async stop() {
    clearInterval(this.timer);
    await Promise.all(this.instances.map((instance) => instance.stop()));
  }
}

module.exports = { FUNNELS, beginGame };
