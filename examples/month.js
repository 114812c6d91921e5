// Six weeks of a small game as this package stores them, up to yesterday: sessions, the events of the last
// days, and the daily documents. The seed is fixed, so that every run differs in its dates only.
'use strict';

const { Dice } = require('./day');

const DAY = 86_400_000;
const MINUTE = 60_000;
const DAYS = 42;
/** MongoDB deletes events after 7 days. */
const EVENT_DAYS = 5;
const NEW_PLAYERS = 6;

/** How likely a player is there so many days after the first one. */
const chanceAfter = (days) => 0.5 / days ** 0.6;

/** `{ sessions, events, days, purchases }`, documents of the days before the one that begins at `today` (ms). */
function planMonth(today) {
  const month = new Month(today);
  for (let ago = DAYS; ago >= 1; ago -= 1) month.playDay(ago);
  const { sessions, events, days, purchases } = month;
  return { sessions, events, days: [...days.values()], purchases };
}

class Month {
  dice = new Dice(20_261_130);
  players = [];
  sessions = [];
  events = [];
  purchases = [];
  days = new Map();

  constructor(today) {
    this.today = today;
  }

  playDay(ago) {
    for (let i = 0; i < NEW_PLAYERS + (ago % 3); i += 1) {
      this.players.push({ id: `player${this.players.length + 1}`, firstAgo: ago });
    }
    for (const { id, firstAgo } of this.players) {
      if (firstAgo === ago || this.dice.chance(chanceAfter(firstAgo - ago)))
        this.playPlayer(id, ago, firstAgo);
    }
  }

  playPlayer(id, ago, firstAgo) {
    const count = this.dice.between(1, 2);
    for (let i = 0; i < count; i += 1) {
      const loginAt = this.today - ago * DAY + this.dice.between(i * 700, i * 700 + 600) * MINUTE;
      const seconds = Math.round(60 * 60 ** this.dice.next());
      this.sessions.push(this.session(id, loginAt, this.dice.chance(0.02) ? null : seconds));
      if (ago > EVENT_DAYS) continue;
      if (firstAgo === ago && i === 0) this.event('user.register', id, loginAt, {});
      this.playSession(id, loginAt, seconds);
    }
  }

  playSession(id, loginAt, seconds) {
    const { dice } = this;
    const at = (share) => loginAt + Math.floor(seconds * 1_000 * share);
    if (dice.chance(0.7)) {
      this.event('dungeon.complete', id, at(0.3), { dungeon: dice.pick(['crypt', 'mine']) });
      this.event('credits.earn', id, at(0.3), { amount: dice.between(50, 200), reason: 'dungeon' });
    }
    if (dice.chance(0.5)) this.event('credits.earn', id, at(0.4), { amount: 25, reason: 'quest' });
    if (dice.chance(0.4)) {
      const item = dice.pick(['potion', 'sword', 'shield']);
      this.event('credits.spend', id, at(0.6), {
        amount: dice.between(40, 150),
        reason: 'shop',
        item,
      });
    }
    if (dice.chance(0.03)) {
      this.event('gems.purchase', id, at(0.7), { gems: 500 });
      this.purchase(id, at(0.7), 499);
    }
    if (dice.chance(0.06))
      this.event('gems.spend', id, at(0.8), { amount: 80, reason: 'shop', item: 'skin' });
  }

  session(userId, loginMs, seconds) {
    const [loginAt, logoutAt] = [loginMs, seconds && loginMs + seconds * 1_000].map(
      (ms) => ms && new Date(ms),
    );
    const durationS = seconds ?? 0;
    return { userId, username: userId, loginAt, logoutAt, durationS, ...dated(loginMs), __v: 0 };
  }

  event(event, userId, ms, data) {
    const { day } = dated(ms);
    this.events.push({ userId, event, data, day, ts: new Date(ms), __v: 0 });
    this.count(ms, ...COUNTED[event](data));
  }

  /** Of an event that the shop delivered under a key of its own. */
  purchase(userId, ms, cents) {
    const { day } = dated(ms);
    const event = 'stripe.payment';
    const _id = { e: event, k: `payment${this.purchases.length + 1}` };
    this.purchases.push({ _id, event, userId, cents, currency: 'USD', day, ts: new Date(ms) });
    this.count(ms, 'stripeRevenue', cents);
  }

  count(ms, total, amount) {
    const { day } = dated(ms);
    const document = this.days.get(day) ?? { ...dated(ms), __v: 0 };
    this.days.set(day, { ...document, [total]: (document[total] ?? 0) + amount });
  }
}

/** What each event adds to the totals of its day. */
const COUNTED = {
  'user.register': () => ['newUsers', 1],
  'dungeon.complete': () => ['dungeonsRun', 1],
  'credits.earn': ({ amount }) => ['creditsEarned', amount],
  'credits.spend': ({ amount }) => ['creditsSpent', amount],
  'gems.purchase': ({ gems }) => ['gemsPurchased', gems],
  'gems.spend': ({ amount }) => ['gemsSpent', amount],
};

function dated(ms) {
  const day = new Date(ms).toISOString().slice(0, 10);
  return { day, month: day.slice(0, 7) };
}

module.exports = { planMonth };
