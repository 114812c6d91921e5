// A game of some hundred players, as this package stores it: thirty days and what was before, up to this minute.
// The seed is fixed, so that runs differ in their dates and in how much of today is over.
'use strict';

const { Dice } = require('./day');

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The game began so many days ago, so that the cohorts of a month are known. */
const AGE_DAYS = 45;
const EVENT_DAYS = 31;
const NEW_PLAYERS = 55;
/** How many log in at each hour, UTC. */
const HOURS = [6, 5, 4, 4, 4, 5, 6, 6, 7, 7, 8, 8, 8, 8, 9, 9, 11, 13, 14, 15, 14, 12, 10, 8];
/** From Sunday on. */
const WEEKDAYS = [1.25, 0.94, 0.92, 0.95, 1, 1.12, 1.3];
/** On that day, yesterday, a sale of winter chests began. */
const SALE_AGO = 1;

const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);
const dated = (ms) => ({ day: dayOf(ms), month: dayOf(ms).slice(0, 7) });

/**
 * `{ sessions, events, purchases, days, online }`: documents, and the players who are online at `now` (ms).
 */
function planThirtyDays(now) {
  const game = new Game(now);
  for (let ago = AGE_DAYS; ago >= 0; ago -= 1) game.playDay(ago);
  return { ...game.stored, days: [...game.days.values()], online: game.online };
}

class Game {
  dice = new Dice(20_261_130);
  players = [];
  stored = { sessions: [], events: [], purchases: [] };
  days = new Map();
  online = [];

  constructor(now) {
    this.now = now;
    this.today = Math.floor(now / DAY) * DAY;
  }

  playDay(ago) {
    const start = this.today - ago * DAY;
    const busy = WEEKDAYS[new Date(start).getUTCDay()] * (0.94 + this.dice.next() * 0.12);
    const joining = Math.round(NEW_PLAYERS * busy * (ago === AGE_DAYS ? 8 : 1));
    for (let i = 0; i < joining; i += 1) this.players.push(this.player(ago));
    for (const player of this.players) {
      if (this.dice.chance(this.chance(player, ago) * busy)) this.playPlayer(player, start, ago);
    }
  }

  player(firstAgo) {
    const { dice } = this;
    const id = `player-${String(this.players.length + 1).padStart(5, '0')}`;
    return { id, firstAgo, zeal: 0.5 + dice.next() ** 2 * 1.6, spends: dice.chance(0.09) };
  }

  chance({ firstAgo, zeal }, ago) {
    return firstAgo === ago ? 1 : Math.min(0.95, (0.42 * zeal) / (firstAgo - ago) ** 0.42);
  }

  playPlayer(player, start, ago) {
    const count = this.dice.pick([1, 1, 2, 2, 3]);
    let free = start;
    for (let i = 0; i < count; i += 1) {
      const loginAt = Math.max(free, start + this.hour() * HOUR + this.dice.next() * HOUR);
      const isNew = player.firstAgo === ago && i === 0;
      const seconds = Math.round(
        40 + 8_400 * this.dice.next() ** 2.2 * player.zeal + 260 * this.dice.next(),
      );
      if (loginAt >= Math.min(this.now, start + DAY)) return;
      free = loginAt + seconds * 1_000 + 60_000;
      this.playSession(player, { loginAt, seconds, isNew, ago });
    }
  }

  hour() {
    let left = this.dice.next() * HOURS.reduce((sum, part) => sum + part, 0);
    return HOURS.findIndex((part) => {
      left -= part;
      return left < 0;
    });
  }

  playSession(player, session) {
    const { loginAt, seconds, ago } = session;
    const logoutAt = loginAt + seconds * 1_000;
    const hasEnded = logoutAt < this.now;
    if (!hasEnded) {
      this.online.push({ id: player.id, loginAt, logoutAt });
    } else {
      const times = {
        loginAt: new Date(loginAt),
        logoutAt: new Date(logoutAt),
        durationS: seconds,
      };
      this.stored.sessions.push({
        userId: player.id,
        username: player.id,
        ...times,
        ...dated(loginAt),
        __v: 0,
      });
      this.add('sessionCount', 1, loginAt);
      this.add('totalSessionS', seconds, loginAt);
    }
    if (ago < EVENT_DAYS) this.playEvents(player, session, Math.min(logoutAt, this.now));
  }

  playEvents(player, { loginAt, seconds, isNew, ago }, end) {
    const { dice } = this;
    const track = (share, event, data) => {
      const at = Math.floor(loginAt + seconds * 1_000 * share);
      if (at < end) this.event(event, player.id, at, data);
    };
    if (isNew) track(0, 'user.register', { from: dice.pick(['store', 'friend', 'advert']) });
    const rounds = Math.min(4, 1 + Math.floor(seconds / 1_500));
    for (let i = 0; i < rounds; i += 1) {
      const at = (i + 0.5) / rounds;
      if (dice.chance(0.65)) {
        track(at, 'dungeon.complete', { dungeon: dice.pick(['crypt', 'mine', 'sunken temple']) });
        track(at, 'credits.earn', { amount: dice.between(60, 240), reason: 'dungeon' });
      } else {
        track(at, 'pvp.battle', { won: dice.chance(0.5) });
        track(at, 'credits.earn', { amount: dice.between(20, 90), reason: 'arena' });
      }
      if (dice.chance(0.42)) this.shop(track, at + 0.02);
    }
    if (dice.chance(0.5)) track(0.3, 'credits.earn', { amount: 75, reason: 'daily quest' });
    if (dice.chance(0.35))
      track(0.35, 'gems.earn', { amount: dice.between(4, 12), reason: 'achievement' });
    this.gems(track, player, ago);
  }

  shop(track, at) {
    const { dice } = this;
    const [reason, item, price] = dice.pick([
      ...[
        ['shop', 'potion', 60],
        ['shop', 'potion', 60],
        ['shop', 'sword', 320],
        ['shop', 'shield', 260],
      ],
      ...[
        ['repair', null, 90],
        ['craft', 'amulet', 210],
      ],
    ]);
    track(at, 'credits.spend', {
      amount: price + dice.between(-20, 60),
      reason,
      ...(item && { item }),
    });
    if (reason === 'craft') track(at, 'craft.complete', { recipe: item });
    if (dice.chance(0.2))
      track(at + 0.01, 'market.sale', {
        item: dice.pick(['ore', 'hide']),
        price: dice.between(5, 80),
      });
  }

  gems(track, { spends }, ago) {
    const { dice } = this;
    const isSale = ago <= SALE_AGO;
    if (dice.chance(isSale ? 0.3 : 0.16)) {
      const [reason, item, price] =
        isSale && dice.chance(0.7)
          ? ['sale', 'winter chest', 30]
          : dice.pick([
              ['shop', 'skin', 80],
              ['shop', 'mount', 120],
              ['boost', 'double credits', 25],
              ['boost', 'double credits', 25],
              ['chest', 'hero chest', 40],
            ]);
      track(0.8, 'gems.spend', { amount: price, reason, item });
    }
    if (!spends || !dice.chance(isSale ? 0.5 : 0.22)) return;
    const [gems, amountCents] = dice.pick([
      [80, 499],
      [80, 499],
      [180, 999],
      [500, 1_999],
    ]);
    track(0.6, 'stripe.payment', { amountCents, currency: 'USD' });
    track(0.6, 'gems.purchase', { gems });
  }

  event(event, userId, ms, data) {
    const { day } = dated(ms);
    const document = { userId, event, data, day, ts: new Date(ms), __v: 0 };
    this.stored.events.push(document);
    const counted = COUNTED[event]?.(data);
    if (counted) this.add(...counted, ms);
    if (event !== 'stripe.payment') return;
    const purchase = {
      event,
      userId,
      cents: data.amountCents,
      currency: data.currency,
      day,
      ts: document.ts,
    };
    this.stored.purchases.push({ _id: { i: this.stored.purchases.length }, ...purchase });
  }

  add(total, amount, ms) {
    const { day, month } = dated(ms);
    if (!this.days.has(day)) this.days.set(day, { day, month, __v: 0 });
    const document = this.days.get(day);
    document[total] = (document[total] ?? 0) + amount;
  }
}

/** What each event adds to the totals of its day. */
const COUNTED = {
  'user.register': () => ['newUsers', 1],
  'dungeon.complete': () => ['dungeonsRun', 1],
  'craft.complete': () => ['craftsCompleted', 1],
  'pvp.battle': () => ['pvpBattles', 1],
  'market.sale': () => ['marketSales', 1],
  'credits.earn': ({ amount }) => ['creditsEarned', amount],
  'credits.spend': ({ amount }) => ['creditsSpent', amount],
  'gems.earn': ({ amount }) => ['gemsEarned', amount],
  'gems.purchase': ({ gems }) => ['gemsPurchased', gems],
  'gems.spend': ({ amount }) => ['gemsSpent', amount],
  'stripe.payment': ({ amountCents }) => ['stripeRevenue', amountCents],
};

module.exports = { HOURS, planThirtyDays };
