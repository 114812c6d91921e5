/**
 * Analytics of a game server: sessions, events and daily totals in MongoDB, buffered and written off
 * the event loop.
 *
 * The class itself is `module.exports`; it is also the named export `AnalyticsSystem` and `default`.
 *
 * Any number of instances, threads and processes may write one database. When the thread of an
 * instance ends by `process.exit()`, `terminate()`, an uncaught exception or for want of work, what is
 * not written yet is given 1.5 s; so is what all threads have when the process ends.
 *
 * @example
 * const AnalyticsSystem = require('gso-analytics');
 *
 * const analytics = new AnalyticsSystem();
 * analytics.start();
 * await analytics.onLogin(account._id, account.name);
 * analytics.track('credits.earn', account._id, { amount: 120 });
 * process.once('SIGTERM', () => analytics.stop().finally(() => process.exit()));
 */
declare class AnalyticsSystem {
  /**
   * Connects to nothing and starts no timer. Without options the host's mongoose connection is used,
   * whether it exists already or comes later; see {@link AnalyticsSystem.Options.uri}.
   *
   * An option that is `undefined` or `null` counts as not given, and so does an environment variable
   * that is empty. Variables are read here, once. Unknown options are warned about.
   *
   * @throws {TypeError} for a bad option or environment variable; the message begins with its name,
   *   a colon follows. It has no `code`.
   * @throws {AnalyticsSystem.AnalyticsError} with `code` `ANALYTICS_SPOOL_UNAVAILABLE` when `spoolDir`
   *   cannot be used, unless `spoolFallback` is `memory`.
   */
  constructor(options?: AnalyticsSystem.Options);

  /**
   * Says `[ANALYTICS] System started`, connects, and keeps the process alive until {@link stop}. A
   * second call does nothing. Records may be handed over before it; after `stop()` it starts again.
   * Under fake timers it keeps nothing alive, and advancing them by `flushIntervalMs` writes totals.
   * Throws nothing: a database that is away is waited for.
   */
  start(): void;

  /**
   * Refuses new records at once (`rejected.stopped`), writes what was accepted, forwards what waits
   * for a destination, closes the connection and lets the process end.
   *
   * Never rejects. Resolves after `shutdownTimeoutMs` at the latest; a warning then says how many
   * records are not written and how many events not forwarded. A second call waits again for what is
   * left.
   */
  stop(): Promise<void>;

  /**
   * Begins a session, on the UTC day that the JavaScript clock shows at the call. When the promise
   * resolves, the session is in the database.
   *
   * A database that is away locks nobody out: the promise resolves after `ackTimeoutMs` at the
   * latest and the record stays queued. A record that is refused resolves at once and is counted
   * under {@link AnalyticsSystem.Health.rejected}. Never rejects, except with a `TypeError` for a
   * refused record under `strict`.
   *
   * A second login of a user replaces the first, whose session stays open.
   *
   * @param userId kept as a string: an ObjectId and its hex form are one user. At most 256 bytes.
   * @param username at most 256 bytes; `undefined` leaves the field out.
   */
  onLogin(userId: AnalyticsSystem.UserId, username?: AnalyticsSystem.StringLike): Promise<void>;

  /**
   * Ends the session that this instance began for the user, and counts it on the day of its login.
   * Without such a session nothing is written. Resolves, and under `strict` rejects, as
   * {@link onLogin} does.
   *
   * @param userId as in {@link onLogin}.
   */
  onLogout(userId: AnalyticsSystem.UserId): Promise<void>;

  /**
   * Takes a snapshot of an event and returns at once: what the caller changes in `data` afterwards
   * has no influence. The event is stored, added to the day's totals if it is one of
   * {@link AnalyticsSystem.CountedEvent}, and forwarded to the {@link AnalyticsSystem.Options.destinations}.
   *
   * Works before {@link start}. Never throws for its arguments, except a `TypeError` under `strict`;
   * what is refused is counted under {@link AnalyticsSystem.Health.rejected}.
   *
   * @param event at most 256 bytes.
   * @param userId kept as a string, as in {@link onLogin}; may be missing.
   * @param data whatever BSON holds, at most `maxEventBytes`. `undefined` and functions are left
   *   out, empty plain objects too. For an amount, numeric strings count as numbers.
   */
  track(
    event: AnalyticsSystem.CountedEvent | (string & {}),
    userId?: AnalyticsSystem.UserId | null,
    data?: unknown,
  ): void;

  /**
   * Writes everything that was tracked before the call, then reads today's and this month's figures.
   * Just after a replica set has elected another primary, the figures may lag for a moment.
   *
   * On a database of the replaced class the month's sessions are summed up first, once; that begins
   * with the first login or `getMetrics()` and goes on in the background. See
   * {@link AnalyticsSystem.Health.history}.
   *
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code`
   *   `ANALYTICS_TIMEOUT` after `operationTimeoutMs`; `ANALYTICS_HISTORY_BUILDING` when the month's
   *   sessions are still being summed up after that time, which goes on: try again later;
   *   `ANALYTICS_DATABASE` when the database refuses the read; `ANALYTICS_INTERNAL`.
   */
  getMetrics(): Promise<AnalyticsSystem.Metrics>;

  /**
   * The 30 newest daily documents, newest first. Days without a login or a counted event have none.
   * Does not wait for what is still queued; {@link flush} does.
   *
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_TIMEOUT` after
   *   `operationTimeoutMs`; `ANALYTICS_DATABASE` when the database refuses the read;
   *   `ANALYTICS_INTERNAL`.
   */
  getLast30Days(): Promise<AnalyticsSystem.DailyDocument[]>;

  /**
   * Resolves when everything that was accepted before the call is in MongoDB, the totals included,
   * or is counted under {@link AnalyticsSystem.Health.dropped}. Does not wait for
   * what is forwarded.
   *
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_TIMEOUT` after
   *   `operationTimeoutMs`; the records stay queued. `ANALYTICS_INTERNAL`.
   */
  flush(): Promise<void>;

  /**
   * What was accepted, what became of it, and why something was not stored. Synchronous, touches no
   * database, holds no secrets.
   */
  getHealth(): AnalyticsSystem.Health;
}

declare namespace AnalyticsSystem {
  export { AnalyticsSystem, AnalyticsSystem as default };

  /**
   * Settings of one instance. An option wins over its environment variable. A value of another type,
   * out of bounds or of another form is a `TypeError` of the constructor.
   */
  export interface Options {
    /**
     * Connection string, `mongodb://…` or `mongodb+srv://…`. Used at once and before any other way.
     *
     * Without it, the first of these that is there: the option `mongoose`; the variable
     * `ANALYTICS_MONGODB_URI`, unless that option is given; the mongoose that the host has loaded, as
     * soon as it begins to connect; `MONGODB_URI`; `MONGO_URI`; the connection that
     * `mongoose.createConnection()` has made, if there is just one. The last three are used 1 s after
     * the first record or `start()` when no mongoose is installed, 10 s after it when one is and does
     * not begin to connect. Without any of these, records wait in memory and one line says so.
     *
     * Environment: `ANALYTICS_MONGODB_URI`.
     *
     * @default none
     */
    uri?: string | undefined;

    /**
     * Name of the database, at most 63 bytes, no white space and none of `/\."$*<>:|?`.
     *
     * Environment: `ANALYTICS_MONGODB_DATABASE`.
     *
     * @default that of the connection (`dbName`, or the path of the URI), else `test`
     */
    database?: string | undefined;

    /**
     * The mongoose instance, or one of its connections, whose settings are adopted. Its connection
     * itself is not used. Needed only when several copies of mongoose are loaded or when the default
     * connection is not the right one. An instance gets the models `GSOSession`, `GSODaily` and
     * `GSOEvent`, unless it has them.
     *
     * @default the mongoose that the host has loaded
     */
    mongoose?: Mongoose | Connection | undefined;

    /**
     * Names of the collections, all different. Each has 1 to 191 bytes, no `$`, no NUL, no dot at an
     * end, and does not begin with `system.`. An unknown key is an error.
     */
    collections?: Collections | undefined;

    /**
     * Where each event is posted as JSON, `http://…` or `https://…`:
     * `{"event":…,"userId":…,"data":…,"ts":"2026-11-23T02:35:48.540Z"}`. Short for a destination of the
     * format `raw` with this `url` and all defaults; see {@link Options.destinations}.
     *
     * Environment: `ANALYTICS_WEBHOOK_URL`.
     *
     * @default none
     */
    webhookUrl?: string | undefined;

    /**
     * Where events are forwarded to. Each destination has a queue, bounds and failures of its own: one
     * that is slow or away delays neither MongoDB nor another one.
     *
     * An event is sent at least once: until it is answered with a 2xx status, until the receiver says
     * that it never takes it (`refused`), or until a bound gives it up (`expired`, `dropped`). It has
     * the same id and time in every attempt. After a failure it is sent again with growing random
     * pauses, and not before a `Retry-After`, of at most an hour, is over. An unknown field is an error.
     *
     * Environment, for one destination, read if neither this nor `webhookUrl` is given:
     * `ANALYTICS_WEBHOOK_FORMAT`, `ANALYTICS_WEBHOOK_URL`, `ANALYTICS_WEBHOOK_TOKEN` (Mixpanel's
     * `token`, Segment's `writeKey`, PostHog's `apiKey`), and `ANALYTICS_WEBHOOK_ALLOW` and
     * `ANALYTICS_WEBHOOK_DENY`, which are names separated by commas.
     *
     * @default none: nothing is forwarded
     */
    destinations?: Destination[] | undefined;

    /**
     * Longest wait before written records are added to the daily totals, in milliseconds. Events and
     * sessions themselves leave at once.
     *
     * A whole number from 10 to 3600000. Environment: `ANALYTICS_FLUSH_INTERVAL_MS`.
     *
     * @default 500
     */
    flushIntervalMs?: number | undefined;

    /**
     * Bound for everything that waits in memory, in bytes. When it is reached, new records are
     * refused (`rejected.queue_full`). With `spoolDir` a tenth is kept for what is read back from disk.
     *
     * A whole number from 65536 (64 KiB) to 68719476736 (64 GiB).
     * Environment: `ANALYTICS_MAX_QUEUE_BYTES`.
     *
     * @default 268435456 (256 MiB)
     */
    maxQueueBytes?: number | undefined;

    /**
     * Folder on a local disk in which records are kept until they are written: after a crash, a
     * `kill -9` or an exit during an outage, what was left is written at the next start, and in an
     * outage the disk holds what memory does not. It is made if it is missing. All processes that
     * write to one database share one; each takes a slot in it. Use another for another database:
     * where it is named by `uri`, `database` or `collections`, records of the two are told apart,
     * otherwise they are written to whichever is there. Do not copy the folder of a running process.
     *
     * Environment: `ANALYTICS_SPOOL_DIR`.
     *
     * @default none: records wait in memory only
     */
    spoolDir?: string | undefined;

    /**
     * Most that one instance keeps in `spoolDir`, in bytes. Beyond it, and when the disk is full,
     * records wait in memory, within `maxQueueBytes`.
     *
     * A whole number from 1048576 (1 MiB) to 1099511627776 (1 TiB).
     * Environment: `ANALYTICS_MAX_SPOOL_BYTES`.
     *
     * @default 1073741824 (1 GiB)
     */
    maxSpoolBytes?: number | undefined;

    /**
     * What the constructor does when `spoolDir` cannot be used: throw, or go on with memory only and
     * warn.
     *
     * Environment: `ANALYTICS_SPOOL_FALLBACK`.
     *
     * @default 'error'
     */
    spoolFallback?: 'error' | 'memory' | undefined;

    /**
     * Largest `data` of one event, in bytes of BSON. Beyond it the event is refused
     * (`rejected.event_too_large`).
     *
     * A whole number from 1024 (1 KiB) to 15728640 (15 MiB).
     *
     * @default 262144 (256 KiB)
     */
    maxEventBytes?: number | undefined;

    /**
     * Time after which `flush()`, `getMetrics()` and `getLast30Days()` reject, in milliseconds.
     *
     * A whole number from 100 to 600000.
     *
     * @default 10000
     */
    operationTimeoutMs?: number | undefined;

    /**
     * Time after which `onLogin()` and `onLogout()` resolve at the latest, in milliseconds.
     *
     * A whole number from 1 to 600000.
     *
     * @default 5000
     */
    ackTimeoutMs?: number | undefined;

    /**
     * Time after which `stop()` resolves at the latest, in milliseconds.
     *
     * A whole number from 0 to 600000. Environment: `ANALYTICS_SHUTDOWN_TIMEOUT_MS`.
     *
     * @default 10000
     */
    shutdownTimeoutMs?: number | undefined;

    /**
     * For development and tests: `track()` throws a `TypeError`, and the promises of `onLogin()` and
     * `onLogout()` reject with one, for arguments that cannot be stored. They are counted all the
     * same. Not for a queue that is full, nor after `stop()`.
     *
     * @default false
     */
    strict?: boolean | undefined;

    /**
     * Where lines for the operator go: few, and each problem once per episode. Each begins with
     * `[ANALYTICS] `. `false` silences. An error that the logger throws is ignored.
     *
     * @default console
     */
    logger?: Logger | false | undefined;
  }

  /** Names of the collections; see {@link Options.collections} for what a name may be. */
  export interface Collections {
    /** One document per session. @default gsosessions */
    sessions?: string | undefined;
    /** One document per UTC day. @default gsodailies */
    daily?: string | undefined;
    /** One document per event; MongoDB removes them after 7 days. @default gsoevents */
    events?: string | undefined;
    /** Book-keeping: which users were counted in a day and in a month. @default gsouniques */
    uniques?: string | undefined;
  }

  /** A receiver of events. */
  export type Destination =
    | RawDestination
    | MixpanelDestination
    | SegmentDestination
    | PostHogDestination;

  /** What every destination may have. */
  export interface DestinationOptions {
    /**
     * What log lines and {@link Health.destinations} call it, and its cursor in `spoolDir`: 1 to 64
     * letters, digits, `-` or `_`. No two destinations have the same, or differ in case alone. Under
     * another name it begins anew with what is in the spool.
     *
     * @default webhook for the format `raw`, else the format
     */
    name?: string | undefined;

    /**
     * Names of the events that are forwarded; an event without a name is not among them.
     *
     * @default all
     */
    allow?: string[] | undefined;

    /**
     * Names of the events that are not forwarded, also if `allow` has them.
     *
     * @default none
     */
    deny?: string[] | undefined;

    /**
     * Bound for the events that wait in memory, in bytes. When it is reached, new events are not
     * forwarded here (`dropped.queue_full`).
     *
     * A whole number from 65536 (64 KiB) to 68719476736 (64 GiB).
     *
     * @default 67108864 (64 MiB)
     */
    maxQueueBytes?: number | undefined;

    /**
     * Longest time for which an event waits, in milliseconds. Then it is given up (`expired`).
     *
     * A whole number from 100 to 2592000000 (30 days).
     *
     * @default 86400000 (24 hours)
     */
    maxAgeMs?: number | undefined;

    /**
     * Longest time of one request, in milliseconds, from connecting to the end of the answer. Connecting
     * alone takes 5000 at most.
     *
     * A whole number from 10 to 600000.
     *
     * @default 10000
     */
    requestTimeoutMs?: number | undefined;

    /**
     * Bound of the pause after a first failure, in milliseconds. Each further one doubles it; the pause
     * itself is random.
     *
     * A whole number from 10 to 600000.
     *
     * @default 1000
     */
    minRetryDelayMs?: number | undefined;

    /**
     * Longest pause that the receiver did not ask for, in milliseconds.
     *
     * A whole number from 10 to 3600000.
     *
     * @default 300000 (5 minutes)
     */
    maxRetryDelayMs?: number | undefined;
  }

  /**
   * One `POST` for each event, four at a time, the events of a user in their order. The body is
   * `{"event":…,"userId":…,"data":…,"ts":…}` as `JSON.stringify` writes it.
   */
  export interface RawDestination extends DestinationOptions {
    /** The format. @default raw */
    format?: 'raw' | undefined;
    /** The whole address, `http://…` or `https://…`. */
    url: string;
  }

  /**
   * Mixpanel's import: batches of up to 2000 events, compressed, told apart by `$insert_id`. Give the
   * `token` of the project, or `username`, `secret` and `projectId` of a service account.
   */
  export interface MixpanelDestination extends DestinationOptions {
    /** The format. */
    format: 'mixpanel';
    /** The project's token. */
    token?: string | undefined;
    /** Name of a service account. */
    username?: string | undefined;
    /** Its secret. */
    secret?: string | undefined;
    /** The project that it writes to. */
    projectId?: string | number | undefined;
    /**
     * Address of the service, such as `https://api-eu.mixpanel.com`.
     *
     * @default https://api.mixpanel.com
     */
    url?: string | undefined;
  }

  /** Segment's batch of `track` calls, up to 500 KB, told apart by `messageId`; RudderStack takes it too. */
  export interface SegmentDestination extends DestinationOptions {
    /** The format. */
    format: 'segment';
    /** The write key of the source. */
    writeKey: string;
    /**
     * Address of the service: `https://events.eu1.segmentapis.com`, or the data plane of RudderStack.
     *
     * @default https://api.segment.io
     */
    url?: string | undefined;
  }

  /** PostHog's batch, compressed, its events told apart by `uuid`. */
  export interface PostHogDestination extends DestinationOptions {
    /** The format. */
    format: 'posthog';
    /** The project's API key. */
    apiKey: string;
    /**
     * Address of the service, such as `https://eu.i.posthog.com`.
     *
     * @default https://us.i.posthog.com
     */
    url?: string | undefined;
  }

  /** What takes lines, one string per call; `console`, pino and winston are such. */
  export interface Logger {
    /**
     * The system has started; which database is used when that is not obvious; how far the summing
     * up of old sessions is: after 2 s, every 10 s, and at the end; totals that were blocked go on.
     */
    info(line: string): void;
    /**
     * Something needs attention: an outage, records that are refused, totals that are blocked, an
     * option nobody knows.
     */
    warn(line: string): void;
    /**
     * Something is lost: the process ends before records are written, or events forwarded. It is a
     * warning when all of it is in the spool.
     */
    error(line: string): void;
  }

  /** As much of a mongoose connection as is asked for here. */
  export interface Connection {
    /** 1 when connected, 2 while connecting. */
    readonly readyState: number;
  }

  /** As much of a mongoose instance as is asked for here. */
  export interface Mongoose {
    /** The default connection, which is the one that is adopted. */
    readonly connection: Connection;
  }

  /** An ObjectId of any version of `bson`. */
  export interface ObjectId {
    /** 24 hexadecimal digits. */
    toHexString(): string;
    /** The same. */
    toString(): string;
    /** The same. */
    toJSON(): string;
    /** Whether the other is the same id, also in another form. */
    equals(other: unknown): boolean;
  }

  /** What a string is made of, as mongoose does for a field of type String. */
  export type StringLike = string | number | bigint | boolean | null | undefined;

  /** A user's id. */
  export type UserId = string | number | bigint | ObjectId;

  /**
   * Events that add to a total of the day; all others are stored and forwarded only.
   *
   * Most count 1. `credits.earn`, `credits.spend`, `gems.earn` and `gems.spend` add `data.amount`,
   * `gems.purchase` adds `data.gems`, `stripe.payment` adds `data.amountCents`: numbers or numeric
   * strings, 0 when missing. Any `data` is stored, also where no amount can be read from it.
   */
  export type CountedEvent =
    | 'craft.complete'
    | 'credits.earn'
    | 'credits.spend'
    | 'dungeon.complete'
    | 'gems.earn'
    | 'gems.purchase'
    | 'gems.spend'
    | 'market.sale'
    | 'pvp.battle'
    | 'pvp.ranked.battle'
    | 'raid.complete'
    | 'stripe.payment'
    | 'user.register';

  /** The totals of one UTC day. */
  export interface DailyTotals {
    /** Events `craft.complete`. */
    craftsCompleted: number;
    /** Sum of `data.amount` of `credits.earn`. */
    creditsEarned: number;
    /** Sum of `data.amount` of `credits.spend`. */
    creditsSpent: number;
    /** Distinct users who logged in on that day. */
    dau: number;
    /** Events `dungeon.complete`. */
    dungeonsRun: number;
    /** Sum of `data.amount` of `gems.earn`. */
    gemsEarned: number;
    /** Sum of `data.gems` of `gems.purchase`. */
    gemsPurchased: number;
    /** Sum of `data.amount` of `gems.spend`. */
    gemsSpent: number;
    /** Events `market.sale`. */
    marketSales: number;
    /** Events `user.register`. */
    newUsers: number;
    /** Events `pvp.battle` and `pvp.ranked.battle`. */
    pvpBattles: number;
    /** Events `raid.complete`. */
    raidBattles: number;
    /** Logins on that day. */
    sessionCount: number;
    /** Sum of `data.amountCents` of `stripe.payment`, in cents. */
    stripeRevenue: number;
    /** Duration of the sessions that began on that day and have ended, in seconds. */
    totalSessionS: number;
  }

  /** A document of the collection `daily`. */
  export interface DailyDocument extends DailyTotals {
    /** An ObjectId of the host's `bson`, where the host has one. */
    _id: ObjectId;
    /** UTC, `YYYY-MM-DD`. */
    day: string;
    /** UTC, `YYYY-MM`. */
    month: string;
    /** Kept for mongoose. */
    __v: number;
  }

  /** What {@link AnalyticsSystem.getMetrics} answers. Days and months are UTC. */
  export interface Metrics {
    /** Today's document; `{}` when nothing was counted today. */
    today: Partial<DailyDocument>;
    /** Distinct users who logged in today. */
    dau: number;
    /** Distinct users who logged in this month. */
    mau: number;
    /** Mean of this month's ended sessions that lasted longer than 0 s, in whole minutes. */
    avgSessionMin: number;
    /** Users who are logged in through this instance. */
    activeSessions: number;
  }

  /** What {@link AnalyticsSystem.getHealth} answers. Counts are of this instance, since it was made. */
  export interface Health {
    /** Whether there is a connection to MongoDB. */
    connected: boolean;
    /** Records taken over from `track()`, `onLogin()` and `onLogout()`. */
    accepted: number;
    /** Accepted records that are neither written nor dropped yet. */
    queued: number;
    /**
     * Memory they take, in bytes; bounded by `maxQueueBytes`. Those that wait on disk only take none.
     */
    queuedBytes: number;
    /**
     * Records that are in the database, their share of the totals included, unless that is among
     * `warnings` (`totals_uncertain`, `total_left_out`).
     */
    written: number;
    /** Records whose writing was repeated after an error, once per attempt. */
    retried: number;
    /** Documents that were in the database already when they were sent again: not stored twice. */
    duplicates: number;
    /**
     * Additions to totals that matched nothing, so that it was looked up whether they had been made:
     * not made twice.
     */
    casConflicts: number;
    /** Accepted records that were lost, by reason. */
    dropped: Counts<DropReason>;
    /** Records that were never accepted, by reason. */
    rejected: Counts<RejectReason>;
    /** Records that were not taken over in full, and oddities of the totals, by reason. */
    warnings: Counts<WarningReason>;
    /** Users who are logged in through this instance. */
    activeSessions: number;
    /** Whether written records are added to the daily totals. */
    totals: TotalsState;
    /** How far the sessions are summed up that the replaced class has stored this month. */
    history: HistoryHealth;
    /** What is on disk; only with `spoolDir`. */
    spool?: SpoolHealth;
    /** What became of the events at each destination; `webhookUrl` comes first. */
    destinations: DestinationHealth[];
    /** The last thing that went wrong, if anything did. */
    lastError?: LastError;
  }

  /**
   * Whether written records are added to the daily totals.
   *
   * - `ok`: yes, or nothing is known to the contrary yet
   * - `blocked`: no: a day has several documents in `daily`, or could get them for want of a unique
   *   index on `day`, which is missing and cannot be made, or is there and not unique. `lastError`
   *   and a warning say what is wrong, and how to mend it. Events and sessions are stored meanwhile;
   *   totals wait in memory, within `maxQueueBytes`, and go on within seconds of the mending, without
   *   a restart. `flush()` and `getMetrics()` reject with `ANALYTICS_TIMEOUT` until then
   */
  export type TotalsState = 'ok' | 'blocked';

  /** What an instance keeps in `spoolDir`. */
  export interface SpoolHealth {
    /** Whether the disk takes records. */
    state: SpoolState;
    /** What its files take, in bytes; bounded by `maxSpoolBytes`. */
    bytes: number;
    /** Records that an earlier process had left in the slot; they count as `accepted` here. */
    recovered: number;
    /**
     * Records of processes that died and were not replaced, written by this one. They count nowhere
     * else here; those of them that are forwarded count at their destination once all of a slot are.
     */
    recoveredFromOthers: number;
    /** Records that the disk did not take: they were in memory only. */
    notSpooled: number;
    /** Bytes that could not be read; their file is kept as `*.seg.damaged`. */
    damagedBytes: number;
  }

  /**
   * Whether the disk takes records.
   *
   * - `ok`: yes
   * - `full`: not now: it is full, or at `maxSpoolBytes`, or cannot be written; tried again twice a
   *   second. Records wait in memory
   * - `off`: `spoolDir` could not be used, and `spoolFallback` is `memory`
   */
  export type SpoolState = 'ok' | 'full' | 'off';

  /** The summing up of the sessions that the replaced class has stored in the current month. */
  export interface HistoryHealth {
    /** What is being done. */
    state: HistoryState;
    /** Days that are done, of `daysTotal`. */
    daysDone: number;
    /** Days of the month that hold such sessions; 0 before it is known. */
    daysTotal: number;
  }

  /**
   * What is being done about the sessions that the replaced class has stored.
   *
   * - `none`: there are none, or nobody has logged in or asked for metrics yet
   * - `building`: they are being summed up, by this process or another one; `getMetrics()` waits
   * - `done`: they are summed up
   */
  export type HistoryState = 'none' | 'building' | 'done';

  /** What became of the events for one destination; they are stored in MongoDB all the same. */
  export interface DestinationHealth {
    /** Its name. */
    name: string;
    /** Its format. */
    format: 'raw' | 'mixpanel' | 'segment' | 'posthog';
    /** Events that wait or are under way. */
    queued: number;
    /** Memory they take, in bytes; bounded by `maxQueueBytes`. */
    queuedBytes: number;
    /** Events that the receiver has taken. */
    sent: number;
    /** Events whose sending was repeated, once per attempt. */
    retried: number;
    /** Events that the receiver never takes: invalid, too large, or refused for its settings. */
    refused: number;
    /** Events that have waited for longer than `maxAgeMs`. */
    expired: number;
    /** Events that were not forwarded for another reason, by reason. */
    dropped: Counts<DestinationDropReason>;
    /** Whether the receiver is sent to. */
    circuit: CircuitState;
    /** Since when the oldest event waits, in milliseconds; 0 when none does. */
    oldestWaitingMs: number;
    /** The last thing that went wrong there, if anything did. */
    lastError?: LastError;
  }

  /**
   * Whether a receiver is sent to.
   *
   * - `closed`: yes
   * - `open`: five requests in a row have failed; the next one is tried after a pause
   * - `half-open`: that one is under way; if it is answered with a 2xx status, all others follow
   * - `disabled`: it answered 410: never again
   */
  export type CircuitState = 'closed' | 'open' | 'half-open' | 'disabled';

  /** The last thing that went wrong. */
  export interface LastError {
    /** What went wrong, without secrets. */
    message: string;
    /** Time of the system clock, in ms since 1970. */
    atMs: number;
  }

  /** Counts by reason; a reason that did not occur is missing. */
  export type Counts<Reason extends string> = { [R in Reason]?: number };

  /**
   * Why a record was refused.
   *
   * - `invalid_id`: a user id that no string stands for; for a login or logout also a missing one
   * - `invalid_event`: an event name that no string stands for
   * - `invalid_name`: a username that no string stands for
   * - `id_too_long`: a user id of more than 256 bytes
   * - `name_too_long`: an event name or username of more than 256 bytes
   * - `event_too_large`: data of more than `maxEventBytes`
   * - `too_deep`: data nested deeper than MongoDB stores
   * - `cyclic`: data that contains itself
   * - `invalid_key`: a NUL character in a key
   * - `bigint_out_of_range`: a BigInt of more than 64 bits
   * - `unreadable`: reading the arguments threw an error
   * - `unserializable`: a value that BSON cannot hold
   * - `hand_over_failed`: the records of a turn could not be handed over
   * - `queue_full`: `maxQueueBytes` is reached
   * - `stopped`: after `stop()`
   */
  export type RejectReason =
    | 'invalid_id'
    | 'invalid_event'
    | 'invalid_name'
    | 'id_too_long'
    | 'name_too_long'
    | 'event_too_large'
    | 'too_deep'
    | 'cyclic'
    | 'invalid_key'
    | 'bigint_out_of_range'
    | 'unreadable'
    | 'unserializable'
    | 'hand_over_failed'
    | 'queue_full'
    | 'stopped';

  /**
   * What was not taken over in full.
   *
   * - `invalid_amount`: an amount that is not a finite number, or is beyond 2^53, counted 0
   * - `not_forwardable`: an event without a webhook body: `JSON.stringify` refused its data, or made
   *   more of it than four times `maxEventBytes`
   * - `total_left_out`: an amount was not added, the stored total is not a number or would be beyond
   *   2^53
   * - `day_restored`: a daily document stood further back than this process had brought it
   * - `totals_uncertain`: another process wrote under the same id; records are not in the totals
   * - `late`: a login from a spool that was handed over more than 30 days ago; it is stored, and not
   *   counted as a user of its day and month
   */
  export type WarningReason =
    | 'invalid_amount'
    | 'not_forwardable'
    | 'total_left_out'
    | 'day_restored'
    | 'totals_uncertain'
    | 'late';

  /**
   * Why an accepted record was lost.
   *
   * - `refused_by_server`: MongoDB refuses the document for its content
   * - `spool_damaged`: it was to be read back from `spoolDir`, and cannot be
   * - `internal`: a defect of this package
   */
  export type DropReason = 'refused_by_server' | 'spool_damaged' | 'internal';

  /**
   * Why an event was not forwarded.
   *
   * - `queue_full`: `maxQueueBytes` of the destination is reached
   * - `disabled`: the receiver answered 410
   */
  export type DestinationDropReason = 'queue_full' | 'disabled';

  /**
   * What `code` says. Stable between releases.
   *
   * - `ANALYTICS_TIMEOUT`: not finished within `operationTimeoutMs`; the message tells what went wrong
   *   last, if anything did
   * - `ANALYTICS_HISTORY_BUILDING`: the month's sessions of the replaced class are still being summed
   *   up after that time; try again later
   * - `ANALYTICS_DATABASE`: the database refuses the read, and would refuse it again
   * - `ANALYTICS_SPOOL_UNAVAILABLE`: `spoolDir` cannot be used; thrown by the constructor only
   * - `ANALYTICS_INTERNAL`: this instance has failed by a defect of this package and stores nothing
   *   any more; see {@link Health.lastError}
   */
  export type ErrorCode =
    | 'ANALYTICS_TIMEOUT'
    | 'ANALYTICS_HISTORY_BUILDING'
    | 'ANALYTICS_DATABASE'
    | 'ANALYTICS_SPOOL_UNAVAILABLE'
    | 'ANALYTICS_INTERNAL';

  /**
   * What `flush()`, `getMetrics()` and `getLast30Days()` reject with, and the constructor throws when
   * `spoolDir` cannot be used: an `Error` with a code. There is no class of its own to test for.
   */
  export interface AnalyticsError extends Error {
    /** Which kind of failure it is; the message says more. */
    code: ErrorCode;
  }
}

export = AnalyticsSystem;
