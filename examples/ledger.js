// The demo's ledger: it adds up what was played, to compare the sums with the documents.
'use strict';

const TOTALS = [
  ...['dau', 'newUsers', 'sessionCount', 'totalSessionS', 'dungeonsRun', 'craftsCompleted'],
  ...['pvpBattles', 'raidBattles', 'marketSales', 'creditsEarned', 'creditsSpent', 'gemsEarned'],
  ...['gemsSpent', 'gemsPurchased', 'stripeRevenue'],
];

const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);

class Ledger {
  constructor() {
    this.days = new Map();
    this.players = new Map();
    this.online = new Map();
    this.events = 0;
    this.logins = 0;
    this.logouts = 0;
    this.durations = [];
  }

  day(ms) {
    const day = dayOf(ms);
    if (!this.days.has(day)) {
      this.days.set(day, Object.fromEntries(TOTALS.map((name) => [name, 0])));
      this.players.set(day, new Set());
    }
    return this.days.get(day);
  }

  /** An event, and what it adds to the day's totals. */
  event(ms, additions = {}) {
    this.events += 1;
    for (const [name, amount] of Object.entries(additions)) this.day(ms)[name] += amount;
  }

  login(ms, player) {
    const totals = this.day(ms);
    const players = this.players.get(dayOf(ms));
    this.logins += 1;
    this.online.set(player, ms);
    players.add(player);
    totals.dau = players.size;
  }

  /** The session counts on the day of its login. */
  logout(ms, player) {
    const loginAt = this.online.get(player);
    const seconds = Math.round((ms - loginAt) / 1000);
    this.online.delete(player);
    this.logouts += 1;
    this.durations.push(seconds);
    this.day(loginAt).sessionCount += 1;
    this.day(loginAt).totalSessionS += seconds;
  }

  /** What `getMetrics()` has to answer; every day of this ledger is of one month. */
  metrics(ms) {
    const everybody = new Set([...this.players.values()].flatMap((players) => [...players]));
    const total = this.durations.reduce((sum, seconds) => sum + seconds, 0);
    return {
      dau: this.day(ms).dau,
      mau: everybody.size,
      avgSessionMin: Math.round(total / this.durations.length / 60) || 0,
      activeSessions: this.online.size,
    };
  }
}

module.exports = { Ledger, TOTALS };
