// A JavaScript host whose editor checks types; compiled by packed.test.js, never run.
// @ts-check
'use strict';

const AnalyticsSystem = require('gso-analytics');
const { AnalyticsSystem: Named, default: byDefault } = require('gso-analytics');

/** @type {import('gso-analytics').Options} */
const options = { flushIntervalMs: 100 };

/** @type {AnalyticsSystem[]} */
const made = [new AnalyticsSystem(options), new Named(options), new byDefault(options)];

// @ts-expect-error the unit is part of the name
new AnalyticsSystem({ flushInterval: 500 });

module.exports = made;
