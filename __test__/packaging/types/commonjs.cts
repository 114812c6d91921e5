// A TypeScript host in a CommonJS package; compiled by packed.test.js, never run.
import AnalyticsSystem = require('gso-analytics');

import Interop, { AnalyticsSystem as Named, type Options } from 'gso-analytics';

import mongoose = require('mongoose');

const options: Options = {
  uri: process.env.SOME_URI,
  database: 'game',
  mongoose,
  collections: { daily: 'days', uniques: undefined },
  webhookUrl: 'https://example.org/hook',
  destinations: [
    { format: 'mixpanel', token: 'token', allow: ['shop.open'], maxAgeMs: 60_000 },
    { format: 'segment', writeKey: 'key', url: 'https://rudder.example.org' },
    { format: 'posthog', apiKey: 'key', deny: ['debug'], redactKeys: ['email'] },
    { format: 'amplitude', apiKey: 'key', hashUserId: { secret: 'sixteen bytes or more' } },
    { format: 'gameanalytics', gameKey: 'key', secretKey: 'key', os_version: 'linux 6.1' },
    { name: 'second', url: 'https://example.org/second', signingSecrets: ['whsec_…'] },
    // @ts-expect-error the key is missing
    { format: 'segment' },
  ],
  flushIntervalMs: 250,
  maxQueueBytes: 2 ** 26,
  spoolDir: '/var/spool/game',
  maxSpoolBytes: 2 ** 28,
  spoolFallback: 'memory',
  maxEventBytes: 2 ** 16,
  operationTimeoutMs: 2_000,
  ackTimeoutMs: 500,
  shutdownTimeoutMs: 3_000,
  strict: true,
  logger: console,
};

class GameAnalytics extends AnalyticsSystem {
  override track(event: string, userId?: AnalyticsSystem.UserId | null, data?: unknown): void {
    super.track(`game.${event}`, userId, data);
  }
}

async function play(analytics: AnalyticsSystem): Promise<AnalyticsSystem.Metrics> {
  const account = { _id: new mongoose.Types.ObjectId(), name: 'Ann' };
  analytics.start();
  await analytics.onLogin(account._id, account.name);
  analytics.track('credits.earn', account._id, { amount: 5 });
  analytics.track('an event of our own', 'ann');
  analytics.track('server.ready', null, [1, new Date(), { deep: new Map() }]);
  analytics.track('server.ready');
  await analytics.onLogout(account._id.toHexString());
  const days: AnalyticsSystem.DailyDocument[] = await analytics.getLast30Days();
  const texts: string[] = days.map((day) => `${day.day} ${day.month} ${day._id.toHexString()}`);
  const totals: number[] = days.map((day) => day.dau + day.stripeRevenue + day.__v);
  console.log(texts, totals);
  await analytics.flush();
  await analytics.stop().finally(() => process.exit());
  return analytics.getMetrics();
}

async function read(analytics: Named): Promise<number> {
  try {
    const { today, dau, mau, avgSessionMin, activeSessions } = await analytics.getMetrics();
    // @ts-expect-error today may be an empty object
    const certain: number = today.dau;
    return certain + (today.dau ?? 0) + dau + mau + avgSessionMin + activeSessions;
  } catch (error) {
    const { code } = error as AnalyticsSystem.AnalyticsError;
    // @ts-expect-error not one of our codes
    if (code === 'TIMEOUT') return 0;
    return code === 'ANALYTICS_TIMEOUT' ? 1 : 2;
  }
}

function check(analytics: AnalyticsSystem): boolean {
  const health: AnalyticsSystem.Health = analytics.getHealth();
  const refused = (health.rejected.queue_full ?? 0) + (health.rejected.event_too_large ?? 0);
  const lost: number = Object.values(health.dropped).reduce((sum, count) => sum + count, 0);
  const unsent = health.destinations.reduce((sum, to) => sum + (to.dropped.queue_full ?? 0), 0);
  const isOpen = health.destinations.some(({ circuit }) => circuit === 'half-open');
  // @ts-expect-error not one of the reasons
  const odd = health.rejected.full;
  // @ts-expect-error a reason that did not occur is missing
  const certain: number = health.warnings.invalid_amount;
  // @ts-expect-error there may have been no error
  const message: string = health.lastError.message;
  // @ts-expect-error without spoolDir there is none
  const recovered: number = health.spool.recovered;
  const isFull = health.spool?.state === 'full';
  const at: number | undefined = health.lastError?.atMs;
  const all = [refused, lost, unsent, isOpen, odd, certain, message, at, recovered, isFull];
  return [...all, health.connected].every(Boolean);
}

const logger: AnalyticsSystem.Logger = { info() {}, warn() {}, error: async () => {} };
const nest: AnalyticsSystem.NestLogger = { log() {}, warn() {}, error() {} };
const made: AnalyticsSystem[] = [
  new AnalyticsSystem(),
  new AnalyticsSystem(options),
  new Interop({ logger: false }),
  new Interop.default({ logger, mongoose: mongoose.createConnection() }),
  new Named({ mongoose: mongoose.connection, logger: nest }),
  new AnalyticsSystem.AnalyticsSystem({ mongoose: new mongoose.Mongoose() }),
  new GameAnalytics(),
];

// @ts-expect-error the unit is part of the name
new AnalyticsSystem({ flushInterval: 500 });
// @ts-expect-error numbers are numbers
new AnalyticsSystem({ flushIntervalMs: '500' });
// @ts-expect-error not one of the two words
new AnalyticsSystem({ spoolFallback: 'disk' });
// @ts-expect-error a logger has all three functions
new AnalyticsSystem({ logger: { info() {}, warn() {} } });
// @ts-expect-error true names no logger
new AnalyticsSystem({ logger: true });
// @ts-expect-error not a mongoose
new AnalyticsSystem({ mongoose: { model: 1 } });
// @ts-expect-error not one of the collections
new AnalyticsSystem({ collections: { event: 'x' } });
// @ts-expect-error a class is called with new
AnalyticsSystem();
// @ts-expect-error a login needs a user
new AnalyticsSystem().onLogin();
// @ts-expect-error a login needs a user
new AnalyticsSystem().onLogin(undefined, 'Ann');
// @ts-expect-error a plain object is no id
new AnalyticsSystem().track('event', { id: 5 });
// @ts-expect-error an event has a name
new AnalyticsSystem().track();
// @ts-expect-error track returns nothing
new AnalyticsSystem().track('event').then();
// @ts-expect-error the health report is not a promise
new AnalyticsSystem().getHealth().then();

export { check, made, play, read };
