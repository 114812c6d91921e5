// A JavaScript host in an ES module whose editor checks types; compiled by packed.test.js, never run.
// @ts-check

import AnalyticsSystem, { AnalyticsSystem as Named } from 'gso-analytics';

/** @param {import('gso-analytics').Metrics} metrics */
const shown = ({ dau, mau, today }) => `${dau} of ${mau}, ${today.dungeonsRun ?? 0}`;

export const text = shown(await new AnalyticsSystem({ strict: true }).getMetrics());
export const health = new Named().getHealth();

// @ts-expect-error the report is no promise
health.then();
