/** The types of `import`: those of `index.d.ts`, where they are documented. */
import AnalyticsSystem from './index.js';

export { AnalyticsSystem };
export default AnalyticsSystem;

export type Options = AnalyticsSystem.Options;
export type Collections = AnalyticsSystem.Collections;
export type Destination = AnalyticsSystem.Destination;
export type DestinationOptions = AnalyticsSystem.DestinationOptions;
export type RawDestination = AnalyticsSystem.RawDestination;
export type MixpanelDestination = AnalyticsSystem.MixpanelDestination;
export type SegmentDestination = AnalyticsSystem.SegmentDestination;
export type PostHogDestination = AnalyticsSystem.PostHogDestination;
export type Logger = AnalyticsSystem.Logger;
export type Connection = AnalyticsSystem.Connection;
export type Mongoose = AnalyticsSystem.Mongoose;
export type ObjectId = AnalyticsSystem.ObjectId;
export type Text = AnalyticsSystem.Text;
export type Id = AnalyticsSystem.Id;
export type CountedEvent = AnalyticsSystem.CountedEvent;
export type DailyTotals = AnalyticsSystem.DailyTotals;
export type DailyDocument = AnalyticsSystem.DailyDocument;
export type Metrics = AnalyticsSystem.Metrics;
export type Health = AnalyticsSystem.Health;
export type TotalsState = AnalyticsSystem.TotalsState;
export type HistoryHealth = AnalyticsSystem.HistoryHealth;
export type HistoryState = AnalyticsSystem.HistoryState;
export type DestinationHealth = AnalyticsSystem.DestinationHealth;
export type CircuitState = AnalyticsSystem.CircuitState;
export type LastError = AnalyticsSystem.LastError;
export type Counts<Reason extends string> = AnalyticsSystem.Counts<Reason>;
export type RejectReason = AnalyticsSystem.RejectReason;
export type NoteReason = AnalyticsSystem.NoteReason;
export type DropReason = AnalyticsSystem.DropReason;
export type DestinationDropReason = AnalyticsSystem.DestinationDropReason;
export type ErrorCode = AnalyticsSystem.ErrorCode;
export type AnalyticsError = AnalyticsSystem.AnalyticsError;
