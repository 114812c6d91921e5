// A TypeScript host in an ES module; compiled by packed.test.js, never run.

import type * as types from 'gso-analytics';
import type AnalyticsSystem from 'gso-analytics';
import { AnalyticsSystem as Named } from 'gso-analytics';
import mongoose from 'mongoose';

const options: types.Options = { mongoose, logger: false };
const analytics: AnalyticsSystem = new Named(options);
const same: typeof AnalyticsSystem = Named;
const ofNamespace: AnalyticsSystem.Options = options;

const health: types.Health = analytics.getHealth();
const reasons: (types.RejectReason | types.WarningReason)[] = ['cyclic', 'invalid_amount'];
const metrics: types.Metrics = await analytics.getMetrics();
const [newest]: types.DailyDocument[] = await analytics.getLast30Days();
const online: types.Concurrency = await analytics.getConcurrency({ day: metrics.today.day });
const source: types.ConcurrencySource = online.source;
const id: types.ObjectId | undefined = newest?._id;
const event: types.CountedEvent = 'pvp.battle';
analytics.track(event, id, { ...metrics.today, source });

// @ts-expect-error not one of the events that are counted
const other: types.CountedEvent = 'pvp';

// @ts-expect-error there is no such export
import { Analytics } from 'gso-analytics';

// @ts-expect-error inner modules are not exported
import('gso-analytics/lib/client.js');

export { Analytics, health, ofNamespace, other, reasons, same };
