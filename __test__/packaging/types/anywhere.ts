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

// @ts-expect-error an option that does not exist
new Named({ ackTimeout: 100 });
// @ts-expect-error a bound in words
new Named({ maxQueueBytes: '256 MiB' });
