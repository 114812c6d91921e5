// A TypeScript host in a CommonJS package, in an ES module or before a bundler, with neither mongoose
// nor the types of Node; compiled by packed.test.js, never run.

import type { AnalyticsError, Health, Options, UserId } from 'gso-analytics';
import AnalyticsSystem, { AnalyticsSystem as Named } from 'gso-analytics';

const options: Options = { ackTimeoutMs: 100, uri: undefined, logger: false };
const same: AnalyticsSystem.Options = options;
const sameClass: typeof Named = AnalyticsSystem;

export class GameAnalytics extends AnalyticsSystem {
  constructor(options?: Options) {
    super({ ...options, strict: true });
  }
  override track(event: string, userId?: UserId | null, data?: unknown): void {
    super.track(`game.${event}`, userId, data);
  }
}

/** Another major version of `bson` than any that is installed. */
const id = {
  toHexString: () => '5f5f5f5f5f5f5f5f5f5f5f5f',
  toJSON: () => '',
  equals: () => false,
};

interface Purchase {
  gems: number;
}
const purchase: Purchase = { gems: 5 };

export async function play(analytics: AnalyticsSystem): Promise<number> {
  await analytics.onLogin(id, 'Ann');
  analytics.track('gems.purchase', id, purchase);
  analytics.track('gems.purchase', id, { gems: '5', extra: new Map() });
  analytics.track('gems.purchase', id);
  const health: Health = new GameAnalytics(same).getHealth();
  const error = await analytics.flush().catch((problem: AnalyticsError) => problem.code);
  // @ts-expect-error not a code
  if (error === 'ANALYTICS_TIMED_OUT') return 0;
  return health.queued + (await new Named().getMetrics()).dau;
}

export const made: AnalyticsSystem[] = [new Named(options), new sameClass(), new GameAnalytics()];

interface Drop {
  item: string;
  rarity?: number;
}
type GameEvents = {
  'boss.kill': { boss: string };
  'item.drop': Drop;
  'lobby.open': undefined;
  'gems.earn': { amount: number; from: string };
};
const counters = {
  'boss.kill': 'bossKills',
  'gold.earn': { total: 'goldEarned', amount: 'gold' },
  'pvp.battle': null,
} satisfies Options['counters'];

export async function playTyped(name: keyof GameEvents): Promise<number> {
  const analytics = new Named<GameEvents, 'bossKills'>({ counters });
  const drop: Drop = { item: 'sword' };
  const some = id;
  analytics.track('boss.kill', some, { boss: 'dragon' });
  analytics.track('item.drop', null, drop, { timestamp: Date.now() });
  analytics.track('lobby.open');
  analytics.track('lobby.open', 'u', undefined);
  analytics.track('gems.earn', 'u', { amount: 5, from: 'quest' });
  analytics.track('credits.earn', 'u', { amount: '5', reason: 'quest' });
  analytics.track('gems.purchase', undefined, purchase);
  analytics.track('dungeon.complete');
  analytics.track('dungeon.complete', 'u', { floor: 3 });
  // @ts-expect-error not among the names
  analytics.track('boss.kil', 'u', { boss: 'dragon' });
  // @ts-expect-error any name
  analytics.track(String(name), 'u');
  // @ts-expect-error not the type of that field
  analytics.track('boss.kill', 'u', { boss: 5 });
  // @ts-expect-error a field that is not there
  analytics.track('boss.kill', 'u', { boss: 'dragon', level: 5 });
  // @ts-expect-error the data is missing
  analytics.track('boss.kill', 'u');
  // @ts-expect-error the data of another event
  analytics.track('item.drop', 'u', { boss: 'dragon' });
  // @ts-expect-error the amount is missing
  analytics.track('credits.earn', 'u', { reason: 'quest' });
  // @ts-expect-error not an amount
  analytics.track('credits.earn', 'u', { amount: true });
  // @ts-expect-error the map says more of this one than the built-in events do
  analytics.track('gems.earn', 'u', { amount: 5 });
  // @ts-expect-error a plain object is no id
  analytics.track('boss.kill', { id: 5 }, { boss: 'dragon' });
  const [day] = await analytics.getLast30Days();
  const { today } = await analytics.getMetrics();
  // @ts-expect-error not among the totals
  const other: number = day?.goldEarned ?? 0;
  return other + (day?.bossKills ?? 0) + (today.bossKills ?? 0) + (today.dau ?? 0);
}

/** Only what is tracked is checked. */
export const typed: AnalyticsSystem<GameEvents> = new Named<GameEvents>();

// @ts-expect-error a total is named by a string
new Named({ counters: { 'boss.kill': 5 } });
// @ts-expect-error an entry names its total
new Named({ counters: { 'boss.kill': { amount: 'gold' } } });
// @ts-expect-error an option that does not exist
new Named({ ackTimeout: 100 });
// @ts-expect-error a bound in words
new Named({ maxQueueBytes: '256 MiB' });
