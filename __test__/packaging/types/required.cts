// A TypeScript host in a CommonJS package that spells `require`, without mongoose; compiled by
// packed.test.js, never run.
import AnalyticsSystem = require('gso-analytics');

import { AnalyticsSystem as Named } from 'gso-analytics';

/** As much of a mongoose as a test of the host has. */
const double = { connection: { readyState: 1 } };

class GameAnalytics extends AnalyticsSystem {}

const made: AnalyticsSystem[] = [
  new AnalyticsSystem({ mongoose: double }),
  new AnalyticsSystem.default(),
  new Named({ mongoose: double.connection }),
  new GameAnalytics(),
];
const options: AnalyticsSystem.Options[] = [{}, { collections: { events: undefined } }];

// @ts-expect-error a mongoose tells the state of its connection
new AnalyticsSystem({ mongoose: { connection: {} } });

export { made, options };
