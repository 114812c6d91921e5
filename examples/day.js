// A day of a game as an ordered list of moments: logins, deeds and logouts of all players. The seed is
// fixed, so every run plays the same day.
'use strict';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PLAYERS = 320;
const NEW_PLAYERS = 48;
const MEAN_PAUSE = 40_000;

/** Hours after the start of the day at which people sit down to play: mostly in the evening. */
const SITTINGS = [
  { from: 0, to: 5, chance: 0.3 },
  { from: 5, to: 11, chance: 0.5 },
  { from: 12, to: 17.5, chance: 0.9 },
];

/** Random numbers in [0, 1) that depend on the seed only (a linear congruential generator). */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

class Dice {
  constructor(seed) {
    this.next = randomNumbers(seed);
  }

  chance(probability) {
    return this.next() < probability;
  }

  between(low, high) {
    return Math.floor(low + this.next() * (high - low + 1));
  }

  pick(list) {
    return list[this.between(0, list.length - 1)];
  }
}

/** Deeds of a player: how often each happens, and what it must add to the day's totals. */
const DEEDS = [
  {
    weight: 30,
    deed: 'dungeonCleared',
    details: (dice) => ({
      dungeon: dice.pick(['crypt', 'mine', 'sunken temple']),
      seconds: dice.between(90, 900),
      credits: dice.between(20, 400),
    }),
    events: ({ credits }) => [{ dungeonsRun: 1 }, { creditsEarned: credits }],
  },
  {
    weight: 22,
    deed: 'itemCrafted',
    details: (dice) => ({ recipe: dice.pick(['sword', 'potion']), credits: dice.between(5, 150) }),
    events: ({ credits }) => [{ creditsSpent: credits }, { craftsCompleted: 1 }],
  },
  {
    weight: 18,
    deed: 'duelFought',
    details: (dice, players) => ({
      opponent: dice.pick(players),
      won: dice.chance(0.5),
      ranked: dice.chance(0.4),
    }),
    events: () => [{ pvpBattles: 1 }],
  },
  {
    weight: 8,
    deed: 'raidFinished',
    details: (dice) => ({ boss: 'hydra', party: dice.between(3, 8), gems: dice.between(1, 5) }),
    events: ({ gems }) => [{ raidBattles: 1 }, { gemsEarned: gems }],
  },
  {
    weight: 12,
    deed: 'itemSold',
    details: (dice) => ({ item: dice.pick(['ore', 'hide']), credits: dice.between(1, 90) }),
    events: ({ credits }) => [{ marketSales: 1 }, { creditsEarned: credits }],
  },
  {
    weight: 6,
    deed: 'gemsSpent',
    details: (dice) => ({ on: dice.pick(['mount', 'dye']), gems: dice.between(1, 20) }),
    events: ({ gems }) => [{ gemsSpent: gems }],
  },
  {
    weight: 1,
    deed: 'gemsBought',
    details: (dice) => ({
      gems: dice.pick([80, 500]),
      cents: dice.pick([99, 499]),
      currency: 'EUR',
    }),
    events: ({ gems, cents }) => [{ stripeRevenue: cents }, { gemsPurchased: gems }],
  },
  {
    weight: 3,
    deed: 'guildJoined',
    details: (dice) => dice.pick(['Order of the Lamp', 'Les Égarés', '夜警']),
    events: () => [{}],
  },
];
const LOTS = DEEDS.flatMap((deed) => Array(deed.weight).fill(deed));

/** `{ players, moments: [{ at, player, deed, details?, events? }] }`, `at` in ms since 1970. */
function planDay(start, newId) {
  const dice = new Dice(20_261_123);
  const names = Array.from({ length: PLAYERS }, (_, number) => `player ${number + 1}`);
  const players = names.map((name) => ({ _id: newId(), name }));
  const moments = players.flatMap((player, number) => {
    const isNew = number < NEW_PLAYERS;
    return playerDay(dice, players, player, isNew).map((one) => ({ ...one, at: start + one.at }));
  });
  return { players, moments: moments.sort((a, b) => a.at - b.at) };
}

function playerDay(dice, players, player, isNew) {
  const moments = [];
  let free = 0;
  for (const { from, to, chance } of SITTINGS) {
    const at = dice.between(from * HOUR, to * HOUR);
    if (at < free || !dice.chance(chance)) continue;
    if (isNew && moments.length === 0) {
      const events = [{ newUsers: 1 }];
      moments.push({ at, player, deed: 'registered', details: 'a friend', events });
    }
    const end = at + dice.between(12 * MINUTE, 110 * MINUTE);
    moments.push({ at, player, deed: 'login' }, ...sitting(dice, players, player, at, end));
    moments.push({ at: end, player, deed: 'logout' });
    free = end + 1;
  }
  return moments;
}

function sitting(dice, players, player, from, to) {
  const moments = [];
  for (let at = from; ; ) {
    at += dice.between(1_000, 2 * MEAN_PAUSE);
    if (at >= to) return moments;
    const { deed, details, events } = dice.pick(LOTS);
    const chosen = details(dice, players);
    moments.push({ at, player, deed, details: chosen, events: events(chosen) });
  }
}

module.exports = { Dice, planDay, HOUR };
