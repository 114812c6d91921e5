// A TypeScript host that a bundler resolves, without Node's types; compiled by types.test.js, never
// run.
import AnalyticsSystem, { type Health, AnalyticsSystem as Named } from 'gso-analytics';

export class GameAnalytics extends AnalyticsSystem {}

export const analytics: AnalyticsSystem = new Named({ ackTimeoutMs: 100 });
export const health: Health = new GameAnalytics().getHealth();

// @ts-expect-error an option that does not exist
new Named({ ackTimeout: 100 });
