/**
 * Analytics of a game server: sessions, events and daily totals in MongoDB, buffered and written
 * off the event loop.
 *
 * The class itself is `module.exports`; it is also the named export `AnalyticsSystem` and
 * `default`.
 *
 * Any number of instances, threads and processes may write to one database. When a thread or the
 * process ends (`process.exit()`, `terminate()`, an uncaught exception, nothing left to do), its
 * instances get 1.5 s to write what they hold.
 *
 * @example
 * const AnalyticsSystem = require('gso-analytics');
 *
 * const analytics = new AnalyticsSystem();
 * analytics.start();
 * await analytics.onLogin(account._id, account.name);
 * analytics.track('credits.earn', account._id, { amount: 120 });
 * process.once('SIGTERM', () => analytics.stop().finally(() => process.exit()));
 *
 * @typeParam Events names of events and their `data`. `track()` then takes these and the
 *   {@link AnalyticsSystem.CountedEvents}, and checks both. Without it, `track()` takes any.
 * @typeParam Totals totals of the option `counters`, which {@link getMetrics} and
 *   {@link getLast30Days} then have.
 */
declare class AnalyticsSystem<
  Events extends object = AnalyticsSystem.AnyEvents,
  Totals extends string = never,
> {
  /**
   * Connects to nothing and starts no timer. Without options the settings of the host's mongoose
   * connection are used, whether it exists already or comes later; see
   * {@link AnalyticsSystem.Options.uri}.
   *
   * An option that is `undefined` or `null`, and an environment variable that is empty, count as
   * not given. Variables are read here, once. An unknown option has no effect but a warning.
   *
   * @throws {TypeError} for a bad option or environment variable: the message begins with its name
   *   and a colon. It has no `code`, but for `uri`. A variable with a connection string never throws.
   * @throws {AnalyticsSystem.AnalyticsError} with `code` `ANALYTICS_SPOOL_UNAVAILABLE` when
   *   `spoolDir` cannot be used, unless `spoolFallback` is `memory`; `ANALYTICS_NO_RESOURCES` when the
   *   system refuses threads or file descriptors; `ANALYTICS_INVALID_URI` (a `TypeError` too) when
   *   `uri` is not a connection string, or has an option that cannot be honoured.
   */
  constructor(options?: AnalyticsSystem.Options);

  /**
   * Logs `[ANALYTICS] System started`, connects, and keeps the process alive until {@link stop}. A
   * second call does nothing; a call after `stop()` starts again. Records may be tracked before it.
   * Under fake timers it keeps nothing alive, and advancing them by `flushIntervalMs` writes
   * totals. Never throws: a database that is away is tried again.
   */
  start(): void;

  /**
   * Rejects new records at once (`rejected.stopped`), writes what was accepted, forwards what waits
   * for a destination, closes the connection and lets the process end.
   *
   * The promise never rejects. It resolves after `shutdownTimeoutMs` at the latest; a warning then
   * gives the numbers of records not written and events not forwarded. A second call waits again
   * for these.
   */
  stop(): Promise<void>;

  /**
   * Begins a session, on the UTC day that the JavaScript clock shows at the call. The promise
   * resolves when the session is in the database, and after `ackTimeoutMs` at the latest: a
   * database that is away locks nobody out, and the record stays queued.
   *
   * A rejected record is counted under {@link AnalyticsSystem.Health.rejected}, and its promise
   * resolves at once. The promise rejects only under `strict`, with a `TypeError` for a rejected
   * record.
   *
   * A second login of a user replaces the first, whose session stays open.
   *
   * @param userId stored as a string: an ObjectId and its hex form are one user. At most 256 bytes.
   * @param username of a longer one the first 256 bytes are stored (`warnings.name_cut`);
   *   `undefined` leaves the field out.
   */
  onLogin(userId: AnalyticsSystem.UserId, username?: AnalyticsSystem.StringLike): Promise<void>;

  /**
   * Ends the session that this instance began for the user, and adds it to the day of its login.
   * Without such a session nothing is written. The promise resolves, and under `strict` rejects, as
   * that of {@link onLogin}.
   *
   * @param userId as in {@link onLogin}.
   */
  onLogout(userId: AnalyticsSystem.UserId): Promise<void>;

  /**
   * Copies an event and returns at once: later changes of `data` have no effect. The event is
   * stored, added to the totals of the day if it is one of {@link AnalyticsSystem.CountedEvents} or
   * of the option {@link AnalyticsSystem.Options.counters}, and forwarded to the
   * {@link AnalyticsSystem.Options.destinations}.
   *
   * Works before {@link start}. Throws only under `strict`, a `TypeError` for a rejected event;
   * rejected events are counted under {@link AnalyticsSystem.Health.rejected}.
   *
   * @param event at most 256 bytes.
   * @param userId stored as a string, as in {@link onLogin}; may be missing.
   * @param data any value that BSON holds, at most `maxEventBytes`. `undefined`, functions and
   *   empty plain objects are left out. An amount may be a numeric string.
   * @param options see {@link AnalyticsSystem.TrackOptions}.
   */
  track<Name extends AnalyticsSystem.EventName<Events>>(
    event: Name,
    ...rest: AnalyticsSystem.TrackArguments<Events, Name>
  ): void;

  /**
   * Writes everything that was tracked before the call, then reads the figures of today and of this
   * month. They may lag for a moment after a replica set has elected another primary.
   *
   * On a database of the replaced class, this month's sessions are summed up first, once. That
   * begins with the first login or `getMetrics()` and runs in the background; see
   * {@link AnalyticsSystem.Health.history}.
   *
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_TIMEOUT` after
   *   `operationTimeoutMs`; `ANALYTICS_HISTORY_BUILDING` when the sessions are not summed up within
   *   that time (this goes on: try again later); `ANALYTICS_DATABASE` when the database refuses the
   *   read; `ANALYTICS_INTERNAL`.
   */
  getMetrics(): Promise<AnalyticsSystem.Metrics<Totals>>;

  /**
   * Reads the 30 newest daily documents, newest first. Days without a login or a counted event have
   * none. Does not wait for queued records; {@link flush} does.
   *
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_TIMEOUT` after
   *   `operationTimeoutMs`; `ANALYTICS_DATABASE` when the database refuses the read;
   *   `ANALYTICS_INTERNAL`.
   */
  getLast30Days(): Promise<(AnalyticsSystem.DailyDocument & Record<Totals, number>)[]>;

  /**
   * Reads how many players are online now over all processes, and the curve of a day. Does not wait
   * for queued records. Costs the database a few small documents per process; for a day without
   * samples one pass over the sessions of two days, about 0.2 s of its CPU per 30 000 sessions.
   * Calls that come while such a read is under way share the next one.
   *
   * Every process writes a sample each 20 s (see {@link AnalyticsSystem.Options.presence}), so peaks
   * that are shorter may be missed, and `now` is up to 20 s old; a process that dies counts for up
   * to 45 s more. A player who is online in two processes counts twice, and users of
   * {@link AnalyticsSystem.Options.excludeUsers} count as all others. All times are those of the
   * MongoDB server.
   *
   * @param options `day` is a UTC day, `YYYY-MM-DD`; by default today.
   * @throws {TypeError} rejects with it when `day` is no day of the calendar.
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_TIMEOUT` after
   *   `operationTimeoutMs`; `ANALYTICS_DATABASE` when the database refuses the read;
   *   `ANALYTICS_INTERNAL`.
   */
  getConcurrency(options?: { day?: string | undefined }): Promise<AnalyticsSystem.Concurrency>;

  /**
   * Reads how many users came how far through a sequence of events, and how fast, by UTC day.
   * Does not wait for queued records; {@link flush} does.
   *
   * A user belongs to the cohort of a UTC day with every first step on that day. The user reaches step
   * k if there are k different events in the order of the steps, the first of them on that day, and the
   * last at most `windowS` later. Events of one millisecond count as ordered, other events may be
   * between, a repeated step needs an event of its own, and entering again is another chance. Over
   * several days numbers are sums: a user who enters on two days counts twice. Users of
   * {@link AnalyticsSystem.Options.excludeUsers} are left out.
   *
   * The cohorts of declared funnels are kept for ever: each day is computed in the background at the
   * times at which the day is reported, as long as its events are there. Another definition under the
   * same name begins anew, with the days whose events are there. Days that are not over are computed
   * when somebody asks, and then not again for 10 s, or for 20 times as long as that took.
   *
   * The events are read by an index, that on `event` or that on `ts`, whichever has less to read:
   * about 7 s of the database's CPU per million events. In this process it takes about 200 bytes for
   * each user and day, and 16 bytes for each of at most a million events. Calls for the same funnel
   * that come while it is read share the next read, and the database ends one of which the time is over.
   * A process reads one funnel that is not declared at a time; others wait, which counts as their time.
   * One over events of which there are millions takes longer than the default of `operationTimeoutMs`:
   * declare it, so that its days are read in the background.
   *
   * @example
   * const { steps } = await analytics.getFunnel(
   *   { steps: ['user.register', 'dungeon.complete', 'stripe.payment'], windowS: 86_400 },
   *   { days: 3 },
   * );
   *
   * @param funnel the name of one of {@link AnalyticsSystem.Options.funnels}, or a definition.
   * @param options see {@link AnalyticsSystem.FunnelRange}.
   * @throws {TypeError} rejects with it for a name that is not declared, a bad definition or a bad range;
   *   the message begins with the field.
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_TIMEOUT` after
   *   `operationTimeoutMs`; `ANALYTICS_DATABASE` when the database refuses the read;
   *   `ANALYTICS_INTERNAL`.
   */
  getFunnel(
    funnel: string | AnalyticsSystem.FunnelDefinition,
    options?: AnalyticsSystem.FunnelRange,
  ): Promise<AnalyticsSystem.Funnel>;

  /**
   * Reads everything that is stored of a user: sessions, events, the markers by which users are counted,
   * and the first day. Waits for what was tracked before the first document is asked for. Each collection is
   * read once for the `_id`s of the user's documents, then page by page, at most 200 documents and
   * about 4 MiB at a time; what is erased meanwhile is passed over.
   *
   * Reads by indexes only. Costs the database as much as reading these documents twice.
   *
   * @example
   * for await (const { collection, document } of analytics.exportUser(account._id)) {
   *   console.log(collection, document);
   * }
   *
   * @param userId as in {@link onLogin}.
   * @throws {TypeError} when `userId` cannot be made a string of at most 256 bytes.
   * @throws {AnalyticsSystem.AnalyticsError} a step rejects with `code` `ANALYTICS_TIMEOUT` after
   *   `operationTimeoutMs`, as while an index on `userId` is missing; `ANALYTICS_DATABASE` when the
   *   database refuses the read; `ANALYTICS_INTERNAL`.
   */
  exportUser(userId: AnalyticsSystem.UserId): AsyncIterable<AnalyticsSystem.PersonalDocument>;

  /**
   * Writes everything that was tracked before the call, then erases a user: deletes the sessions,
   * events, markers and the first day that have the id, or puts a pseudonym in its place. Totals keep their numbers,
   * and purchases stay, with `userId: null` or the pseudonym.
   * A second call finds nothing more; after an error it goes on where the first one ended.
   *
   * It finds documents by indexes only, never by reading a whole collection, and changes them by
   * `_id`, while no report is made. Needs the right to `remove` on `events`, `sessions`, `uniques` and
   * `players`, and a few milliseconds of the database per 100 documents. A user who comes back is new:
   * one who returns in the same day or month is counted once more.
   *
   * @param userId as in {@link onLogin}.
   * @param options see {@link AnalyticsSystem.ErasureOptions}.
   * @throws {TypeError} rejects with it when `userId` cannot be made a string of at most 256 bytes, or
   *   `keepCounts` is no boolean.
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_TIMEOUT` after
   *   `operationTimeoutMs`, as while an index on `userId` is missing: call again; `ANALYTICS_DATABASE`
   *   when the database refuses it, as for a missing right, which the message names with its
   *   collection; `ANALYTICS_INTERNAL`.
   */
  deleteUser(
    userId: AnalyticsSystem.UserId,
    options?: AnalyticsSystem.ErasureOptions,
  ): Promise<AnalyticsSystem.Erasure>;

  /**
   * Who was there: one row per UTC day, oldest first.
   *
   * Answers out of the report of each day, which one process makes in the background at 00:15 and
   * again until no late record can change it; see `docs/data-model.md`. Costs the
   * database one read of a few kB per day. Today is reported when somebody asks, at most once in 10 s
   * or in 20 times as long as that took, over all callers and processes. Queued records are not
   * waited for. Days are those of the login; times are those of the MongoDB server.
   *
   * @throws {TypeError} rejects with it when an option is wrong; the message begins with its name.
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_REPORTS_OFF` when reports are
   *   off; `ANALYTICS_HISTORY_BUILDING` when days up to the last one are not reported within
   *   `operationTimeoutMs`; `ANALYTICS_TIMEOUT`, `ANALYTICS_DATABASE` and `ANALYTICS_INTERNAL` as
   *   {@link getMetrics}.
   */
  getActivity(options?: AnalyticsSystem.Range): Promise<AnalyticsSystem.ActivityDay[]>;

  /**
   * Who comes back: one row per first day, oldest first, up to today. Classic retention by UTC days, as
   * GameAnalytics defines it: a user counts under N who was there exactly N days after the first day,
   * so that 23:45 and 00:01 of the next day are a return after one day.
   *
   * Costs the database one read of at most 12 kB per day.
   *
   * @param options `cohorts`: the number of first days, 1 to 366, by default 30. `days`: at most 20
   *   numbers N from 1 to 90, by default 1, 3, 7, 14 and 30.
   * @throws {TypeError} rejects with it when an option is wrong; the message begins with its name.
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_REPORTS_OFF` when reports are
   *   off; `ANALYTICS_HISTORY_BUILDING` when days up to the last one are not reported within
   *   `operationTimeoutMs`; `ANALYTICS_TIMEOUT`, `ANALYTICS_DATABASE` and `ANALYTICS_INTERNAL` as
   *   {@link getMetrics}.
   */
  getRetention(options?: {
    cohorts?: number | undefined;
    days?: number[] | undefined;
  }): Promise<AnalyticsSystem.RetentionCohort[]>;

  /**
   * How long players stay: one row per UTC day, oldest first. A session is on the day of its login,
   * also when it ends on another. Costs as {@link getActivity}.
   *
   * @throws {TypeError} rejects with it when an option is wrong; the message begins with its name.
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_REPORTS_OFF` when reports are
   *   off; `ANALYTICS_HISTORY_BUILDING` when days up to the last one are not reported within
   *   `operationTimeoutMs`; `ANALYTICS_TIMEOUT`, `ANALYTICS_DATABASE` and `ANALYTICS_INTERNAL` as
   *   {@link getMetrics}.
   */
  getSessionLengths(options?: AnalyticsSystem.Range): Promise<AnalyticsSystem.SessionLengthsDay[]>;

  /**
   * Where a currency comes from and where it goes: one row per currency of
   * {@link AnalyticsSystem.Options.currencies}. Sources are events `<currency>.earn`, sinks
   * `<currency>.spend`, with `data.amount`; gems come from `gems.purchase` too, with `data.gems` and
   * the reason `purchase`; and so are events that add to the totals of these by
   * {@link AnalyticsSystem.Options.counters}. Amounts count as in the daily totals.
   *
   * Events are stored for 7 days: what was tracked before the first report is not known. Costs as
   * {@link getActivity}.
   *
   * @param options `currency`: one of them. `limit`: rows of each list, 1 to 100, by default 20.
   * @throws {TypeError} rejects with it when an option is wrong; the message begins with its name.
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_REPORTS_OFF` when reports are
   *   off; `ANALYTICS_HISTORY_BUILDING` when days up to the last one are not reported within
   *   `operationTimeoutMs`; `ANALYTICS_TIMEOUT`, `ANALYTICS_DATABASE` and `ANALYTICS_INTERNAL` as
   *   {@link getMetrics}.
   */
  getEconomy(
    options?: AnalyticsSystem.Range & {
      currency?: string | undefined;
      limit?: number | undefined;
    },
  ): Promise<AnalyticsSystem.Economy[]>;

  /**
   * Who pays: one row per UTC day, oldest first, in one currency; currencies are never added up.
   * Answers out of the purchases, which are kept for ever, and `dau` of the report of each day. Days
   * before the first stored purchase have `cents` of the total `stripeRevenue`, and payers `null`.
   *
   * Costs the database two passes over the purchases of the range, and for `newPayers` one look-up for
   * each payer of the range, however old the game is. Equal calls that come while one is read share the
   * next read.
   *
   * @param options `currency`: three capital letters, by default `USD`.
   * @throws {TypeError} rejects with it when an option is wrong; the message begins with its name.
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_REPORTS_OFF` when reports are
   *   off; `ANALYTICS_HISTORY_BUILDING` when days up to the last one are not reported within
   *   `operationTimeoutMs`; `ANALYTICS_TIMEOUT`, `ANALYTICS_DATABASE` and `ANALYTICS_INTERNAL` as
   *   {@link getMetrics}.
   */
  getRevenue(
    options?: AnalyticsSystem.Range & { currency?: string | undefined },
  ): Promise<AnalyticsSystem.RevenueDay[]>;

  /**
   * What players do most: one row per event, most frequent first, over all known days of the range.
   * Costs as {@link getActivity}.
   *
   * @param options `limit`: events, 1 to 200, by default 20; the others are one more row.
   * @throws {TypeError} rejects with it when an option is wrong; the message begins with its name.
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_REPORTS_OFF` when reports are
   *   off; `ANALYTICS_HISTORY_BUILDING` when days up to the last one are not reported within
   *   `operationTimeoutMs`; `ANALYTICS_TIMEOUT`, `ANALYTICS_DATABASE` and `ANALYTICS_INTERNAL` as
   *   {@link getMetrics}.
   */
  getTopEvents(
    options?: AnalyticsSystem.Range & { limit?: number | undefined },
  ): Promise<AnalyticsSystem.EventCount[]>;

  /**
   * Text for a scrape of Prometheus: this process, out of {@link getHealth}, and the whole game, out of
   * what is stored. The figures of the game are the same from every process: use
   * `max without(instance)`, never `sum`. See `docs/monitoring.md` for all series.
   *
   * Figures of the game are read at most every 10 s: a small document per process, the daily document
   * and the payers of today; once a minute the samples of today and at most 8 reports. They are left out, not 0,
   * when MongoDB does not answer within 3 s. No report is made for it. At most 250 series with up to
   * 5 destinations and 10 currencies; 11 more for each further destination.
   *
   * @example
   * const type = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
   * response.writeHead(200, { 'content-type': type }).end(await analytics.getOpenMetrics());
   *
   * @param options `format`: `openmetrics` by default, or `prometheus`, the older text format
   *   (`text/plain; version=0.0.4`), which may be followed by the text of another library.
   * @throws {TypeError} rejects with it for another format.
   */
  getOpenMetrics(options?: { format?: 'openmetrics' | 'prometheus' | undefined }): Promise<string>;

  /**
   * Resolves when everything that was accepted before the call is in MongoDB, totals included, or
   * counted under {@link AnalyticsSystem.Health.dropped}. Does not wait for destinations.
   *
   * @throws {AnalyticsSystem.AnalyticsError} rejects with `code` `ANALYTICS_TIMEOUT` after
   *   `operationTimeoutMs` (the records stay queued); `ANALYTICS_INTERNAL`.
   */
  flush(): Promise<void>;

  /**
   * Counts of what was accepted, written, rejected, dropped and forwarded. Synchronous; reads no
   * database; holds no secrets.
   */
  getHealth(): AnalyticsSystem.Health;
}

declare namespace AnalyticsSystem {
  export { AnalyticsSystem, AnalyticsSystem as default };

  /**
   * Settings of one instance. An option wins over its environment variable. The constructor throws
   * a `TypeError` for a value of another type or form, or out of bounds.
   */
  export interface Options {
    /**
     * Connection string, `mongodb://…` or `mongodb+srv://…`, read as MongoDB's driver for Node reads
     * it. Options that have no effect here are left out, and one line names them. For an option that
     * cannot be honoured the constructor throws; in a variable it is one error line, and records
     * wait.
     *
     * Without it, the first of these that exists is used:
     *
     * 1. the option `mongoose`
     * 2. the variable `ANALYTICS_MONGODB_URI`, unless that option is given
     * 3. the mongoose that the host has loaded, as soon as it begins to connect
     * 4. the variable `MONGODB_URI`, then `MONGO_URI`
     * 5. the connection that `mongoose.createConnection()` has made, if there is exactly one
     *
     * 4 and 5 are used 1 s after the first record or `start()` when no mongoose is installed, or
     * when a record waits and 5 is connected, and after 10 s when a mongoose is installed and does
     * not begin to connect. Without any of these, records wait in
     * memory and one warning says so.
     *
     * Environment: `ANALYTICS_MONGODB_URI`.
     *
     * @default none
     */
    uri?: string | undefined;

    /**
     * Name of the database: at most 63 bytes, no white space, none of `/\."$*<>:|?`.
     *
     * Environment: `ANALYTICS_MONGODB_DATABASE`.
     *
     * @default that of the connection (`dbName`, or the path of the URI), else `test`
     */
    database?: string | undefined;

    /**
     * Mongoose instance, or one of its connections, whose settings are adopted. The connection
     * itself is not used. Needed when several copies of mongoose are loaded, or when its default
     * connection is not the right one. The models `GSOSession`, `GSODaily` and `GSOEvent` are
     * registered in it, unless it has them.
     *
     * @default the mongoose that the host has loaded
     */
    mongoose?: Mongoose | Connection | undefined;

    /**
     * Names of the collections, all different. Each has 1 to 191 bytes, no `$`, no NUL and no dot
     * at either end, and does not begin with `system.`. An unknown key is an error.
     */
    collections?: Collections | undefined;

    /**
     * What events add to the totals of the day, beside {@link CountedEvents}: a plain object with the
     * names of events, of at most 256 bytes, as its keys. It adds to the built-in events, replaces
     * them, and takes out those that are `null`:
     *
     * `{ 'boss.kill': 'bossKills', 'gold.earn': { total: 'goldEarned', amount: 'gold' } }`
     *
     * Processes with different counters may share a database: each adds what it counts. A record in
     * `spoolDir` adds to the total of the process that tracked it.
     *
     * @default the built-in events
     */
    counters?: { readonly [event: string]: string | Counter | null | undefined } | undefined;

    /**
     * Which events are purchases: a plain object with the names of events, of at most 256 bytes, as its
     * keys. Each stored event of these names gets a document in the collection `purchases`, which is
     * kept for ever. The map adds to the built-in entry, replaces it, and takes it out if it is `null`:
     *
     * `{ 'steam.purchase': { amount: 'cents', currency: 'currency' } }`
     *
     * It does not depend on `counters`.
     *
     * @default { 'stripe.payment': { amount: 'amountCents', currency: 'currency' } }
     */
    purchases?: { readonly [event: string]: PriceFields | null | undefined } | undefined;

    /**
     * URL to which each event is posted as JSON, `http://…` or `https://…`:
     * `{"event":…,"userId":…,"data":…,"ts":"2026-11-23T02:35:48.540Z"}`. Short for a destination of
     * the format `raw` with this `url` and all defaults; see {@link Options.destinations}.
     *
     * Environment: `ANALYTICS_WEBHOOK_URL`.
     *
     * @default none
     */
    webhookUrl?: string | undefined;

    /**
     * Receivers of events. Each has its own queue, bounds and circuit breaker: one that is slow or
     * away delays neither MongoDB nor another one.
     *
     * Delivery is at least once. An event is sent until the receiver answers with a 2xx status,
     * refuses it for good (`refused`), or a bound is reached (`expired`, `dropped`). It has the
     * same id and time in every attempt. Retries wait for random, growing delays, and for a
     * `Retry-After` of up to an hour. An unknown field is an error.
     *
     * Environment, for one destination, read if neither this nor `webhookUrl` is given:
     * `ANALYTICS_WEBHOOK_FORMAT`, `ANALYTICS_WEBHOOK_URL`, `ANALYTICS_WEBHOOK_TOKEN` (Mixpanel's
     * `token`, Segment's `writeKey`, PostHog's and Amplitude's `apiKey`, GameAnalytics'
     * `gameKey:secretKey`), `ANALYTICS_WEBHOOK_ALLOW` and `ANALYTICS_WEBHOOK_DENY` (names separated
     * by commas).
     *
     * @default none: nothing is forwarded
     */
    destinations?: Destination[] | undefined;

    /**
     * Longest time before written records are added to the daily totals, in milliseconds. Events
     * and sessions themselves are written at once.
     *
     * A whole number from 10 to 3600000. Environment: `ANALYTICS_FLUSH_INTERVAL_MS`.
     *
     * @default 500
     */
    flushIntervalMs?: number | undefined;

    /**
     * Bound of the memory that queued records take, in bytes. When it is reached, new records are
     * rejected (`rejected.queue_full`). With `spoolDir`, a tenth of it is reserved for records read
     * back from disk. A sixteenth is for logins and logouts only.
     *
     * A whole number from 65536 (64 KiB) to 68719476736 (64 GiB).
     * Environment: `ANALYTICS_MAX_QUEUE_BYTES`.
     *
     * @default 268435456 (256 MiB)
     */
    maxQueueBytes?: number | undefined;

    /**
     * Spool: a folder on a local disk that keeps records until they are written. The next start
     * writes what a crash, a `kill -9` or an exit during an outage has left; in an outage, records
     * that do not fit into memory wait on disk. The folder is created if it is missing.
     *
     * All processes that write to one database share one folder; each takes a slot in it. Use
     * another folder for another database: unless `uri`, `database` or `collections` name the
     * database, recovered records go to the one that is connected. Do not copy the folder of a
     * running process.
     *
     * Environment: `ANALYTICS_SPOOL_DIR`.
     *
     * @default none: records wait in memory only
     */
    spoolDir?: string | undefined;

    /**
     * Bound of the disk space that one instance takes in `spoolDir`, in bytes. When it is reached,
     * or the disk is full, records wait in memory only, within `maxQueueBytes`.
     *
     * A whole number from 1048576 (1 MiB) to 1099511627776 (1 TiB).
     * Environment: `ANALYTICS_MAX_SPOOL_BYTES`.
     *
     * @default 1073741824 (1 GiB)
     */
    maxSpoolBytes?: number | undefined;

    /**
     * What the constructor does when `spoolDir` cannot be used: throw (`error`), or warn and use
     * memory only (`memory`).
     *
     * Environment: `ANALYTICS_SPOOL_FALLBACK`.
     *
     * @default 'error'
     */
    spoolFallback?: 'error' | 'memory' | undefined;

    /**
     * Bound of the `data` of one event, in bytes of BSON. A larger event is rejected
     * (`rejected.event_too_large`).
     *
     * A whole number from 1024 (1 KiB) to 15728640 (15 MiB).
     *
     * @default 262144 (256 KiB)
     */
    maxEventBytes?: number | undefined;

    /**
     * Whether this process says every 20 s, in the collection `reports`, that it is here and how
     * many players it has. With `off` it is missing in {@link AnalyticsSystem.getConcurrency},
     * closes no sessions of processes that died, and nobody closes its own should it die; one line
     * says so.
     *
     * Environment: `ANALYTICS_PRESENCE`.
     *
     * @default 'on'
     */
    presence?: 'on' | 'off' | undefined;

    /**
     * Whether this process reports each UTC day in the background, into the collections `reports` and
     * `players`, for {@link AnalyticsSystem.getActivity} and the other methods that answer out of
     * reports. One process at a time does it, about a minute after 00:15 UTC, then 2, 4 and 6 days
     * later; the first run reports all days that are stored, oldest first. One run costs about 15 s of
     * the database's CPU per 1.5 million events and 30 000 sessions. With `off` those methods
     * reject.
     *
     * Environment: `ANALYTICS_REPORTS`.
     *
     * @default 'auto'
     */
    reports?: 'auto' | 'off' | undefined;

    /**
     * Which members of a replica set answer what reports read. A secondary that lags behind answers
     * when it has caught up.
     *
     * Environment: `ANALYTICS_REPORTS_READ_PREFERENCE`.
     *
     * @default 'primary'
     */
    reportsReadPreference?: 'primary' | 'secondaryPreferred' | undefined;

    /**
     * Currencies of {@link AnalyticsSystem.getEconomy}, 1 to 10: their events are `<currency>.earn` and
     * `<currency>.spend`, and those that {@link Options.counters} add to the same totals. Each name has 1
     * to 64 letters, digits, `_` and `-`.
     *
     * @default ['credits', 'gems']
     */
    currencies?: string[] | undefined;

    /**
     * Fields of `data` of which the first with a text is the reason of an amount; at most 10, named as
     * {@link Options.currencies} are.
     *
     * @default ['reason', 'source', 'on']
     */
    reasonFields?: string[] | undefined;

    /**
     * Fields of `data` of which the first with a text is the item of an amount; at most 10.
     *
     * @default ['item', 'sku', 'recipe']
     */
    itemFields?: string[] | undefined;

    /**
     * Users who are left out of reports, such as test accounts: at most 1000 ids, or beginnings of ids before
     * a `*`, such as `bot-*`. Totals count them. Days that are reported already do not change.
     *
     * @default []
     */
    excludeUsers?: string[] | undefined;

    /**
     * Name of this process in {@link Concurrency.byInstance}, as `eu-1`: 1 to 64 characters, none of
     * them a control character. Processes of one name are added up.
     *
     * Environment: `ANALYTICS_INSTANCE_NAME`.
     *
     * @default none
     */
    instanceName?: string | undefined;

    /**
     * Funnels that {@link AnalyticsSystem.getFunnel} knows by name, and whose days are kept: a plain object of at most
     * 10, with names of 1 to 64 characters as its keys:
     *
     * `{ onboarding: { steps: ['user.register', 'dungeon.complete'], windowS: 86_400 } }`
     *
     * @default none
     */
    funnels?: { readonly [name: string]: FunnelDefinition | null | undefined } | undefined;

    /**
     * Time after which `flush()` and all methods that read the database reject, in milliseconds;
     * `exportUser()` after that time for one page. A call that waits until the same read of an earlier
     * call has ended has it once more for its own.
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
     * For development and tests: for arguments that cannot be stored, `track()` throws a
     * `TypeError`, and the promises of `onLogin()` and `onLogout()` reject with one. Has no effect
     * on records that are rejected because the queue is full or `stop()` was called.
     *
     * @default false
     */
    strict?: boolean | undefined;

    /**
     * Receiver of lines for the operator: few, and one per episode of a problem. Each begins with
     * `[ANALYTICS] `. `false` writes none. An error of the logger is ignored.
     *
     * @default console
     */
    logger?: Logger | NestLogger | false | undefined;
  }

  /** Names of the collections; see {@link Options.collections} for what a name may be. */
  export interface Collections {
    /** One document per session. @default gsosessions */
    sessions?: string | undefined;
    /** One document per UTC day. @default gsodailies */
    daily?: string | undefined;
    /** One document per event; MongoDB removes them after 7 days. @default gsoevents */
    events?: string | undefined;
    /** Users that were counted, by day and by month. @default gsouniques */
    uniques?: string | undefined;
    /** Reports, and samples of how many players each process has. @default gsoreports */
    reports?: string | undefined;
    /** The first day of each user. @default gsoplayers */
    players?: string | undefined;
    /** One document per purchase, kept for ever. @default gsopurchases */
    purchases?: string | undefined;
  }

  /** The fields of `data` that hold the price of a purchase: 1 to 256 bytes each, without NUL. */
  export interface PriceFields {
    /**
     * What was paid, in minor units of the currency as Stripe counts them, as cents; negative for a
     * refund. It is read as {@link Amount}s are: what is none is stored as 0
     * (`warnings.invalid_amount`).
     */
    amount: string;
    /**
     * The code of ISO 4217, in capitals or small letters. An event without it was paid in `USD`; what is
     * no such code is stored as null (`warnings.invalid_currency`).
     *
     * @default none: everything was paid in `USD`
     */
    currency?: string | null | undefined;
  }

  /** What an event adds to; a string alone is the total, to which 1 is added. */
  export interface Counter {
    /**
     * Field of the daily document: a letter, then at most 63 letters, digits or `_`. Built-in totals
     * may be named, but for `dau`, `sessionCount` and `totalSessionS`; `day` and `month` are reserved.
     * At most 64 totals may be others than the built-in ones.
     */
    total: string;
    /**
     * Field of `data` that holds the amount, of 1 to 256 bytes. Its value is read as in
     * {@link CountedEvents}.
     *
     * @default none: 1 is added
     */
    amount?: string | null | undefined;
  }

  /** A receiver of events. */
  export type Destination =
    | RawDestination
    | MixpanelDestination
    | SegmentDestination
    | PostHogDestination
    | AmplitudeDestination
    | GameAnalyticsDestination;

  /** What every destination may have. */
  export interface DestinationOptions {
    /**
     * Name in log lines, in {@link Health.destinations} and of its cursor in `spoolDir`: 1 to 64
     * letters, digits, `-` or `_`. Names must differ in more than case. Under a new name,
     * forwarding begins again with what is in the spool.
     *
     * @default webhook for the format `raw`, else the format
     */
    name?: string | undefined;

    /**
     * Names of the events that are forwarded. An event without a name is not.
     *
     * @default all
     */
    allow?: string[] | undefined;

    /**
     * Names of the events that are not forwarded, even if `allow` has them.
     *
     * @default none
     */
    deny?: string[] | undefined;

    /**
     * Whether logins and logouts are forwarded, too: as events `session.start` and `session.end`, with
     * `sessionId` and, at the end, `durationS` in whole seconds. Amplitude and GameAnalytics get them
     * in their own form. `allow` and `deny` do not choose them. A logout without a login of this
     * process is none.
     *
     * @default true for the format `gameanalytics`, else false
     */
    sessions?: boolean | undefined;

    /**
     * Fields of `data` that this destination is not to know: at most 100 names, such as `email`, or
     * paths, such as `deep.secret`. A field of that name, or at the end of such a path, is left out
     * with all that is in it, however deep it is; lists are no part of a path. MongoDB and other
     * destinations get it.
     *
     * @default none
     */
    redactKeys?: string[] | undefined;

    /**
     * Gives this destination a hash in place of the user id: HMAC-SHA256 of the id that is stored,
     * in 64 hexadecimal digits, with this secret of at least 16 bytes. One user has one hash as long
     * as the secret stays. Ids within `data` stay; see `redactKeys`.
     *
     * @default none: the id itself
     */
    hashUserId?: { secret: string } | undefined;

    /**
     * Bound of the memory that waiting events take, in bytes. When it is reached, new events are
     * not forwarded (`dropped.queue_full`).
     *
     * A whole number from 65536 (64 KiB) to 68719476736 (64 GiB).
     *
     * @default 67108864 (64 MiB)
     */
    maxQueueBytes?: number | undefined;

    /**
     * Longest time that an event waits, in milliseconds. Then it is not forwarded (`expired`).
     *
     * A whole number from 100 to 2592000000 (30 days).
     *
     * @default 86400000 (24 hours)
     */
    maxAgeMs?: number | undefined;

    /**
     * Longest time of one request, in milliseconds, from connecting to the end of the answer.
     * Connecting takes at most 5000 of it.
     *
     * A whole number from 10 to 600000.
     *
     * @default 10000
     */
    requestTimeoutMs?: number | undefined;

    /**
     * Longest delay after the first failure, in milliseconds. Each further failure doubles it, up
     * to `maxRetryDelayMs`. Delays are random; none is shorter than a fifth of this.
     *
     * A whole number from 10 to 600000.
     *
     * @default 1000
     */
    minRetryDelayMs?: number | undefined;

    /**
     * Longest delay before a retry, in milliseconds. A `Retry-After` may be longer.
     *
     * A whole number from 10 to 3600000.
     *
     * @default 300000 (5 minutes)
     */
    maxRetryDelayMs?: number | undefined;
  }

  /**
   * One `POST` per event, four at a time, the events of a user in their order. The body is
   * `{"event":…,"userId":…,"data":…,"ts":…}` as `JSON.stringify` writes it; event and userId are
   * the text that is stored, but for numbers and truth values, which stay as they were passed.
   */
  export interface RawDestination extends DestinationOptions {
    /** The format. @default raw */
    format?: 'raw' | undefined;
    /** The whole address, `http://…` or `https://…`. */
    url: string;
    /**
     * Signs each request as [Standard Webhooks](https://www.standardwebhooks.com) 1.0.0 says, in
     * the headers `webhook-id` (the same in every attempt), `webhook-timestamp` (of the attempt, in
     * seconds) and `webhook-signature`; the body stays what it is. Each secret is `whsec_` and the
     * Base64 of 24 to 64 random bytes. With two, both sign: a receiver may know either while one
     * takes the place of the other.
     *
     * @default none: requests are not signed
     */
    signingSecrets?: string[] | undefined;
  }

  /**
   * Mixpanel's import: compressed batches of up to 2000 events, deduplicated by `$insert_id`. Needs
   * the `token` of the project, or `username`, `secret` and `projectId` of a service account.
   */
  export interface MixpanelDestination extends DestinationOptions {
    /** The format. */
    format: 'mixpanel';
    /** The project's token. */
    token?: string | undefined;
    /** Name of a service account. */
    username?: string | undefined;
    /** Secret of that account. */
    secret?: string | undefined;
    /** Id of the project. */
    projectId?: string | number | undefined;
    /**
     * Address of the service, such as `https://api-eu.mixpanel.com`.
     *
     * @default https://api.mixpanel.com
     */
    url?: string | undefined;
  }

  /**
   * Segment's batch of `track` calls: up to 500 KB, deduplicated by `messageId`. RudderStack takes it
   * too.
   */
  export interface SegmentDestination extends DestinationOptions {
    /** The format. */
    format: 'segment';
    /** The write key of the source. */
    writeKey: string;
    /**
     * Address of the service: `https://events.eu1.segmentapis.com`, or the data plane of
     * RudderStack.
     *
     * @default https://api.segment.io
     */
    url?: string | undefined;
  }

  /** PostHog's batch: compressed, deduplicated by `uuid`. */
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

  /**
   * Amplitude's batch upload: up to 2000 events, deduplicated by `insert_id`. Events that it lists as
   * bad are refused, the others are sent again. When it says that users send too much, it is left alone
   * for at least 30 s.
   */
  export interface AmplitudeDestination extends DestinationOptions {
    /** The format. */
    format: 'amplitude';
    /** The project's API key. */
    apiKey: string;
    /**
     * Address of the service, such as `https://api.eu.amplitude.com`.
     *
     * @default https://api2.amplitude.com
     */
    url?: string | undefined;
  }

  /**
   * GameAnalytics' collection API: compressed batches of up to 1 MB, signed with the secret key and
   * deduplicated by `event_uuid`. Events `<currency>.earn` and `<currency>.spend` become resource
   * events, purchases business events, logins and logouts user and session_end events, and all others
   * design events. It is not told the devices of players: `device`, `platform` and `os_version` say the
   * same of all.
   */
  export interface GameAnalyticsDestination extends DestinationOptions {
    /** The format. */
    format: 'gameanalytics';
    /** The game key. */
    gameKey: string;
    /** The secret key of the game. */
    secretKey: string;
    /** The device of all players, at most 32 characters. @default unknown */
    device?: string | undefined;
    /** The platform of all players: at most 32 letters, digits, `-` or `_`. @default linux */
    platform?: string | undefined;
    /**
     * `platform`, a space and its version of up to three numbers, such as `linux 6.1`.
     *
     * @default the platform and 0
     */
    os_version?: string | undefined;
    /**
     * Address of the service, such as `https://sandbox-api.gameanalytics.com`.
     *
     * @default https://api.gameanalytics.com
     */
    url?: string | undefined;
  }

  /**
   * Receiver of lines, one string per call, such as `console`, pino or winston. What its functions
   * throw is ignored, and so is a promise that they return.
   */
  export interface Logger {
    /**
     * Start; the choice of a database where it is not obvious; progress of summing up old sessions
     * (after 2 s, every 10 s, at the end); totals that are written again after `blocked`.
     */
    info(line: string): void;
    /**
     * Problems that need attention: an outage, rejected records, blocked totals, an unknown option.
     */
    warn(line: string): void;
    /**
     * Loss: the process ends before records are written or events forwarded. It is a warning when
     * all of them are in the spool.
     */
    error(line: string): void;
  }

  /** The same, such as the `Logger` of NestJS, whose `log` takes the place of `info`. */
  export interface NestLogger {
    /** As {@link Logger.info}. */
    log(line: string): void;
    /** As {@link Logger.warn}. */
    warn(line: string): void;
    /** As {@link Logger.error}. */
    error(line: string): void;
  }

  /** Part of a mongoose connection that is needed here. */
  export interface Connection {
    /** 1 when connected, 2 while connecting. */
    readonly readyState: number;
  }

  /** Part of a mongoose instance that is needed here. */
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
    /** Whether `other` is the same id, in any form. */
    equals(other: unknown): boolean;
  }

  /** A value that is cast to a string, by the rules of a mongoose field of type String. */
  export type StringLike = string | number | bigint | boolean | null | undefined;

  /** Id of a user. */
  export type UserId = string | number | bigint | ObjectId;

  /** What an event may add: a number, a BigInt, a numeric string, or a number of `bson`. */
  export type Amount =
    | number
    | bigint
    | string
    | { readonly _bsontype: 'Double' | 'Int32' | 'Long' | 'Decimal128' };

  /** Data with an amount in one of its fields, and with any others. */
  export type DataWith<Field extends string> =
    | Readonly<Record<Field, Amount>>
    | (Readonly<Record<Field, Amount>> & { readonly [other: string]: unknown });

  /**
   * Events that add to a total of the day, unless the option `counters` says otherwise, and their
   * data. All others are stored and forwarded only.
   *
   * Those without an amount add 1. An amount is at most 2^53; one that is missing or invalid adds 0.
   * The event is stored in any case.
   */
  export interface CountedEvents {
    /** Adds to `craftsCompleted`. */
    'craft.complete': unknown;
    /** `amount` is added to `creditsEarned`. */
    'credits.earn': DataWith<'amount'>;
    /** `amount` is added to `creditsSpent`. */
    'credits.spend': DataWith<'amount'>;
    /** Adds to `dungeonsRun`. */
    'dungeon.complete': unknown;
    /** `amount` is added to `gemsEarned`. */
    'gems.earn': DataWith<'amount'>;
    /** `gems` is added to `gemsPurchased`. */
    'gems.purchase': DataWith<'gems'>;
    /** `amount` is added to `gemsSpent`. */
    'gems.spend': DataWith<'amount'>;
    /** Adds to `marketSales`. */
    'market.sale': unknown;
    /** Adds to `pvpBattles`. */
    'pvp.battle': unknown;
    /** Adds to `pvpBattles`. */
    'pvp.ranked.battle': unknown;
    /** Adds to `raidBattles`. */
    'raid.complete': unknown;
    /** `amountCents` is added to `stripeRevenue`. */
    'stripe.payment': DataWith<'amountCents'>;
    /** Adds to `newUsers`. */
    'user.register': unknown;
  }

  /** Name of an event of {@link CountedEvents}. */
  export type CountedEvent = keyof CountedEvents;

  /** Any event with any data, which is not checked. */
  export interface AnyEvents {
    /** Its data. */
    [event: string]: unknown;
  }

  /** Names that `track()` takes. */
  export type EventName<Events> =
    | CountedEvent
    | (string extends keyof Events ? string & {} : keyof Events & string);

  /** Data of an event: that of `Events`, else that of {@link CountedEvents}. */
  export type EventData<Events, Name> = Name extends keyof Events
    ? Events[Name]
    : Name extends CountedEvent
      ? CountedEvents[Name]
      : never;

  /** What `track()` takes after the name of the event: `data` may be missing where it may be undefined. */
  export type TrackArguments<Events, Name> = string extends keyof Events
    ? [userId?: UserId | null, data?: unknown, options?: TrackOptions]
    : undefined extends EventData<Events, Name>
      ? [userId?: UserId | null, data?: EventData<Events, Name>, options?: TrackOptions]
      : [userId: UserId | null | undefined, data: EventData<Events, Name>, options?: TrackOptions];

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

  /** Answer of {@link AnalyticsSystem.getConcurrency}. What is not known is `null`, never 0. */
  export interface Concurrency {
    /**
     * Players online: the sum of the newest sample of every process that is not older than 45 s, of a
     * process that has neither ended nor is known to be dead. `null` when there is none, as when
     * {@link Options.presence} is off everywhere.
     */
    now: number | null;
    /** Number of these samples. */
    processes: number;
    /** The same by {@link Options.instanceName}, in the order of names; `null` for those without one. */
    byInstance: { instance: string | null; now: number; processes: number }[];
    /** The moment of the answer, by the server's clock. */
    asOf: Date;
    /** The UTC day of what follows, `YYYY-MM-DD`. */
    day: string;
    /**
     * The largest number of players in a minute of the day. A minute's number is the sum of the last
     * samples of all processes in it; minutes in which not all processes that were there were seen
     * are left out. From sessions: those open at the end of the minute.
     */
    peak: number | null;
    /** Begin of the first minute with this number. */
    peakAt: Date | null;
    /** Length of a step of `curve`, in seconds: 300. */
    stepS: number;
    /**
     * The day from 00:00 UTC on, 288 values: the largest number of a minute in each step. `null` where
     * nobody was seen, and in the future.
     */
    curve: (number | null)[];
    /**
     * `samples` for today and every day whose report was made of them; samples are deleted after
     * three days, the report stays. `sessions` for any other: computed from the sessions that have
     * a logout and began on that day or the day before. Sessions that are still open, or whose
     * logout was never stored, are missing then.
     */
    source: ConcurrencySource;
  }

  /** What {@link Concurrency.curve} was computed from. */
  export type ConcurrencySource = 'samples' | 'sessions';

  /** A sequence of events. */
  export interface FunnelDefinition {
    /** Names of events, 2 to 20, each of 1 to 256 bytes. One may be that of several steps. */
    readonly steps: readonly string[];
    /**
     * Longest time from the first step to any other, in seconds: a whole number from 1 to 432000 (5
     * days).
     */
    readonly windowS: number;
  }

  /** Which days {@link AnalyticsSystem.getFunnel} reads. */
  export interface FunnelRange {
    /**
     * The number of days: for a declared funnel a whole number from 1 to 366, by default 30; for a
     * definition one from 1 to 6, by default 6.
     */
    days?: number | undefined;
    /**
     * The last day, `YYYY-MM-DD`; only for a declared funnel. By default today, by the MongoDB
     * server's clock.
     */
    to?: string | undefined;
  }

  /** Result of {@link AnalyticsSystem.getFunnel}. */
  export interface Funnel {
    /** A row for each step, over all days that are known. */
    steps: FunnelStep[];
    /** Longest time from the first step to any other, in seconds. */
    windowS: number;
    /** Events of these names, on these days, that have no user and count nowhere. */
    withoutUser: number;
    /** A row for each cohort, oldest first. */
    days: FunnelDay[];
    /** The time of the answer, by the MongoDB server's clock. */
    asOf: Date;
    /** As {@link FunnelDay.otherOptions}, of any day. */
    otherOptions?: true;
  }

  /** A step of a {@link Funnel}. */
  export interface FunnelStep {
    /** The name of its event. */
    event: string;
    /** Users who reached it. */
    users: number;
    /** Their share of those who did the first step, 0 to 1; `null` when there are none. */
    ofFirst: number | null;
    /** Their share of those who reached the step before, 0 to 1; `null` when there are none. */
    ofPrevious: number | null;
    /**
     * Median over these users of the shortest time in which each came from the first step to this one,
     * in seconds: the smallest that at least half of them do not exceed; over several days within 5 %
     * or 1 ms. `null` when there are none.
     */
    medianS: number | null;
  }

  /** The cohort of a day in a {@link Funnel}. */
  export interface FunnelDay {
    /** The UTC day of the first step, `YYYY-MM-DD`. */
    day: string;
    /** Whether the numbers may change. */
    state: FunnelState;
    /** When the numbers were read, by the MongoDB server's clock; `null` where they are not known. */
    asOf: Date | null;
    /** Users who reached each step; `null` where the events are gone and nothing was kept. */
    users: number[] | null;
    /** As {@link FunnelStep.medianS}, for each step. */
    medianS: (number | null)[] | null;
    /** Events of these names on this day that have no user and count nowhere. */
    withoutUser: number | null;
    /** The cohort was kept under other `excludeUsers` than the newest one. Absent where that is not so. */
    otherOptions?: true;
  }

  /**
   * Whether the numbers of a cohort may change.
   *
   * - `open`: yes: the day is not over
   * - `settling`: yes: until a day after the end of the last window, since events may come late, or until
   *   the last time at which the day is reported
   * - `final`: no
   */
  export type FunnelState = 'open' | 'settling' | 'final';

  /** A document that {@link AnalyticsSystem.exportUser} has found. */
  export interface PersonalDocument {
    /** The key of its collection in {@link Collections}. */
    collection: PersonalCollection;
    /** As it is stored; see `docs/data-model.md`. */
    document: { [field: string]: unknown };
  }

  /** A collection with documents that name users. */
  export type PersonalCollection = 'sessions' | 'events' | 'uniques' | 'purchases' | 'players';

  /** How {@link AnalyticsSystem.deleteUser} erases. */
  export interface ErasureOptions {
    /**
     * Keeps the documents, so that what is computed from them later does not change: one random
     * pseudonym takes the place of the id in all of them, also in `data`, where it is a text, a key or
     * an ObjectId, or stands within a text (ids of at least 12 bytes); `username` becomes `null`. What
     * else `data` says stays: set this only if it names nobody.
     *
     * @default false: the documents are deleted
     */
    keepCounts?: boolean | undefined;
  }

  /** Result of {@link AnalyticsSystem.deleteUser}. */
  export interface Erasure {
    /**
     * Documents that were deleted or, with `keepCounts`, changed, by collection. When an attempt was
     * repeated after an error of the connection, those of the last attempt.
     */
    documents: { [Collection in PersonalCollection]: number };
    /** Where copies may be that this call cannot reach, a sentence for each, for the operator. */
    notReached: string[];
  }

  /** A range of UTC days. */
  export interface Range {
    /** Number of days, 1 to 366. @default 30 */
    days?: number | undefined;
    /** The last of them, `YYYY-MM-DD`. @default today by the MongoDB server's clock */
    to?: string | undefined;
  }

  /**
   * How far a report has come.
   *
   * - `open`: its day is not over
   * - `settling`: late records may change it, until 6.5 days after the begin of the day; also a day that is over
   *   and has still to be reported, or whose sessions cannot be read, and days after it of which it is not known
   *   who was new
   * - `final`: it is not made again, unless sessions come later than that
   */
  export type ReportState = 'open' | 'settling' | 'final';

  /** Of what a row is. What is not known is `null`, never 0. */
  export interface ReportHead {
    /** State of the report; of several ones the state of the least final. */
    state: ReportState;
    /** When the report was begun, of several ones the oldest; `null` when there is none. */
    asOf: Date | null;
    /**
     * The report was made under other {@link Options} than the newest one of the answer, of several ones
     * any was: other `excludeUsers`, and for economy and events also other `currencies`, `counters`,
     * `reasonFields` or `itemFields`. Its figures do not compare with the others. Absent where that is
     * not so.
     */
    otherOptions?: true;
  }

  /** Row of {@link AnalyticsSystem.getActivity}. */
  export interface ActivityDay extends ReportHead {
    /** The UTC day, `YYYY-MM-DD`. */
    day: string;
    /** Distinct users who logged in. */
    dau: number | null;
    /** Those of `dau` whose first login ever it was. */
    newUsers: number | null;
    /** Those of `dau` who had logged in before: `dau` - `newUsers`. */
    returningUsers: number | null;
    /** Events `user.register`, as the daily document counts them. */
    registered: number | null;
    /** Distinct users who logged in on the 7 days that end with this one. */
    wau: number | null;
    /** Distinct users who logged in on the 30 days that end with this one. */
    mau30: number | null;
    /** `dau` / `mau30`, 0 to 1. */
    stickiness: number | null;
    /** Logins. */
    sessions: number | null;
    /** `sessions` / `dau`. */
    sessionsPerUser: number | null;
  }

  /**
   * Row of {@link AnalyticsSystem.getRetention}. `state` and `asOf` are those of the first day and of all days
   * that `retained` knows.
   */
  export interface RetentionCohort extends ReportHead {
    /** The first day, `YYYY-MM-DD`. */
    day: string;
    /** Users whose first login ever was on that day. */
    size: number | null;
    /**
     * Those of them who logged in exactly N days later, by N; `null` where that day is not over, and until
     * both days are reported as whole ones.
     */
    retained: Record<number, number | null>;
  }

  /** Row of {@link AnalyticsSystem.getSessionLengths}. */
  export interface SessionLengthsDay extends ReportHead {
    /** The UTC day of the logins, `YYYY-MM-DD`. */
    day: string;
    /** Sessions with a logout and a duration of more than 0 s: all numbers below are of these. */
    ended: number | null;
    /** Sessions without a logout. */
    open: number | null;
    /** Mean duration in seconds. */
    meanS: number | null;
    /** The shortest duration in whole seconds that half of the sessions do not exceed. */
    p50S: number | null;
    /** The same for 90 of 100 sessions. */
    p90S: number | null;
    /** The same for 99 of 100 sessions. */
    p99S: number | null;
    /** Sessions by duration, shortest first: each bucket ends at 1.1 times the one before. */
    buckets: { upToS: number; count: number }[] | null;
  }

  /** Amounts of one reason or item. */
  export interface Flow {
    /**
     * The first text among the fields of {@link Options.reasonFields} or {@link Options.itemFields},
     * cut at 64 characters; `null` without one.
     */
    name: string | null;
    /**
     * 0, or in the last row the number of names that it sums up: a report keeps the 20 largest reasons and
     * the 100 largest items of its day. Over several days it is an estimate: the names beyond `limit`, and
     * the most that one day sums up. Above 19 900, the day has more names than are told apart, and larger
     * ones may be among the others.
     */
    others: number;
    /**
     * Sum of the amounts. Over several days, of a named row: of the days on which the name was among those that
     * are kept, at least; the last row has the rest.
     */
    amount: number;
    /** Number of events, of the same days. */
    count: number;
  }

  /** A total of the daily documents beside the events that reports have seen. */
  export interface Coverage {
    /** Field of the daily document. */
    total: string;
    /** The total over the days of which both are known. */
    counted: number | null;
    /**
     * The same out of the stored events. It is lower where events came later than 6.5 days, and
     * higher where totals lag.
     */
    seen: number | null;
  }

  /** What came into the game, and what left it. */
  export interface Balance {
    /** Sum of what came in. */
    sourced: number | null;
    /** Sum of what went out. */
    sunk: number | null;
    /** `sourced` - `sunk`. */
    net: number | null;
    /** The totals that say how much came in and went out; none where no counter does. */
    coverage: Coverage[];
  }

  /** Row of {@link AnalyticsSystem.getEconomy}: sums over the days of the range that are known. */
  export interface Economy extends ReportHead, Balance {
    /** Name of the currency. */
    currency: string;
    /** Days of the range whose events are known, and whose report knows the currency. */
    daysKnown: number;
    /** What came in by reason, largest first. */
    sources: Flow[];
    /** What went out by reason. */
    sinks: Flow[];
    /** What came in by item. */
    sourceItems: Flow[];
    /** What went out by item. */
    sinkItems: Flow[];
    /** Each day of the range, oldest first. */
    days: (ReportHead & Balance & { day: string })[];
  }

  /** Row of {@link AnalyticsSystem.getRevenue}. `state` and `asOf` are those of `dau`. */
  export interface RevenueDay extends ReportHead {
    /** The UTC day of the purchases, `YYYY-MM-DD`. */
    day: string;
    /** The currency of all amounts, as ISO 4217 names it. */
    currency: string;
    /** Sum of the amounts, in minor units as cents; refunds are negative. */
    cents: number | null;
    /** Purchases of more than 0. */
    payments: number | null;
    /** Distinct users who made one; as "paying users" of GameAnalytics and Unity. */
    payers: number | null;
    /** Those who had never paid before, in any currency. */
    newPayers: number | null;
    /** `payers` / `dau`: above 1 where users paid who did not log in on that day, or whom `dau` leaves out. */
    payingShare: number | null;
    /** `cents` / `dau`: ARPDAU, without ads. */
    arpdauCents: number | null;
    /** `cents` / `payers`: ARPPU. */
    arppuCents: number | null;
    /** What was paid in other currencies; `null` for purchases without a known one. */
    otherCurrencies: { currency: string | null; cents: number; payments: number }[];
  }

  /** Row of {@link AnalyticsSystem.getTopEvents}. */
  export interface EventCount extends ReportHead {
    /** Name of the event, cut at 64 characters. */
    event: string | null;
    /**
     * 0, or in the last row the number of names that it sums up; over several days an estimate, as
     * {@link Flow.others}.
     */
    others: number;
    /**
     * How often it was tracked. Over several days, of a named row: on the days on which it was among the 200 most
     * frequent, at least; the last row has the rest.
     */
    count: number;
    /** Its share of all events, 0 to 1. */
    share: number | null;
    /** Days of the range whose events are known. */
    daysKnown: number;
  }

  /** Result of {@link AnalyticsSystem.getMetrics}. Days and months are UTC. */
  export interface Metrics<Totals extends string = never> {
    /** Today's document; `{}` when nothing was counted today. */
    today: Partial<DailyDocument & Record<Totals, number>>;
    /** Distinct users who logged in today. */
    dau: number;
    /** Distinct users who logged in this month. */
    mau: number;
    /** Mean of this month's ended sessions that lasted longer than 0 s, in whole minutes. */
    avgSessionMin: number;
    /** Users who are logged in through this instance. */
    activeSessions: number;
  }

  /** Result of {@link AnalyticsSystem.getHealth}. Counts begin when the instance is created. */
  export interface Health {
    /** Whether there is a connection to MongoDB. */
    connected: boolean;
    /** Records that `track()`, `onLogin()` and `onLogout()` have enqueued. */
    accepted: number;
    /** Accepted records that are neither written nor dropped yet. */
    queued: number;
    /**
     * Memory that they take, in bytes; bounded by `maxQueueBytes`. Those that wait on disk only
     * take none.
     */
    queuedBytes: number;
    /**
     * Records that are in the database, and in its totals except for those that `warnings` counts
     * (`totals_uncertain`, `total_left_out`).
     */
    written: number;
    /** Records whose writing was repeated after an error, once per attempt. */
    retried: number;
    /** Documents that a repeated write found in the database already. They are not stored twice. */
    duplicates: number;
    /**
     * Events that were recognised by their {@link TrackOptions.dedupeKey} as stored before. They are
     * neither stored nor counted nor forwarded again, and are among `written`.
     */
    redelivered: number;
    /**
     * Compare-and-set updates of totals that matched no document. The document was then read to see
     * whether an earlier attempt had made the update, so that none is made twice.
     */
    casConflicts: number;
    /**
     * Sessions of processes that died, closed by this instance at the last moment that their process
     * was seen, within 120 s. A real logout that comes later replaces that.
     */
    estimatedLogouts: number;
    /** Accepted records that were lost, by reason. */
    dropped: Counts<DropReason>;
    /** Records that were never accepted, by reason. */
    rejected: Counts<RejectReason>;
    /** Records that were stored or counted in part, and irregularities of totals, by reason. */
    warnings: Counts<WarningReason>;
    /**
     * Defects of this package that were met in this process since it began. The task that met one was
     * started again; {@link Health.lastError} or the log tells the place. Please report it.
     */
    defects: number;
    /** Users who are logged in through this instance. */
    activeSessions: number;
    /** Whether written records are added to the daily totals. */
    totals: TotalsState;
    /**
     * Collections that refuse writes, whatever these hold: a missing privilege, a view, a validator.
     * What does not depend on such a collection goes on. Empty when there is none.
     */
    refusedCollections: RefusedCollection[];
    /** Progress of summing up the sessions that the replaced class has stored this month. */
    history: HistoryHealth;
    /** Progress of reporting the days that are stored. */
    reports: ReportsHealth;
    /** State of the spool; only with `spoolDir`. */
    spool?: SpoolHealth;
    /** State of each destination; that of `webhookUrl` comes first. */
    destinations: DestinationHealth[];
    /** The last error, if there was one. */
    lastError?: LastError;
  }

  /**
   * Whether written records are added to the daily totals.
   *
   * - `ok`: yes, or no problem is known yet
   * - `blocked`: no. A day has several documents in `daily`, or there is no unique index on `day`
   *   to prevent them and it cannot be created, or `daily` or `uniques` is among
   *   `refusedCollections`. `lastError` and a warning say what is wrong and how to repair it.
   *   Meanwhile events and sessions are stored, and totals wait in memory, summed up: only the users
   *   who log in take memory, within `maxQueueBytes`, and what an earlier process has left on disk: once
   *   that takes a quarter of it, records wait on disk, new ones too; `flush()` and `getMetrics()`
   *   reject with `ANALYTICS_TIMEOUT`. Within seconds of the repair, totals are written again, without
   *   a restart
   */
  export type TotalsState = 'ok' | 'blocked';

  /** A collection that refuses writes. */
  export interface RefusedCollection {
    /** Its key in `collections`. */
    collection: 'events' | 'sessions' | 'daily' | 'uniques' | 'purchases';
    /** When it first did, in milliseconds since 1970. */
    sinceMs: number;
    /** Error code of the server. */
    code?: number;
    /** Command for which the user of the connection has no privilege. */
    missingPrivilege?: string;
    /** Message of the server. */
    message: string;
  }

  /** State of what an instance keeps in `spoolDir`. */
  export interface SpoolHealth {
    /** Whether the disk takes records. */
    state: SpoolState;
    /** Size of its files, in bytes; bounded by `maxSpoolBytes`. */
    bytes: number;
    /** Records that an earlier process left in this slot. They count as `accepted`. */
    recovered: number;
    /**
     * Records of crashed processes that no new process replaced, written by this instance. They are
     * in no other count here; those that are forwarded count at their destination once a whole slot
     * is through.
     */
    recoveredFromOthers: number;
    /** Records that the disk did not take. They were in memory only. */
    notSpooled: number;
    /** Bytes that could not be read. Their file is kept as `*.seg.damaged`. */
    damagedBytes: number;
  }

  /**
   * Whether the disk takes records.
   *
   * - `ok`: yes
   * - `full`: no: it is full, has reached `maxSpoolBytes` or cannot be written. Records wait in
   *   memory; the disk is tried again twice a second
   * - `off`: `spoolDir` could not be used, and `spoolFallback` is `memory`
   */
  export type SpoolState = 'ok' | 'full' | 'off';

  /** Progress of reporting the days that are stored. */
  export interface ReportsHealth {
    /** Where it stands. */
    state: ReportsState;
    /** Days before today that are reported, of `daysTotal`. */
    daysDone: number;
    /** Days before today that there are to report; 0 until they are known. */
    daysTotal: number;
    /** When this process last saw that no day was due, by its own clock, in ms since 1970. */
    lastSuccessMs?: number;
  }

  /**
   * State of reports.
   *
   * - `off`: by {@link Options.reports}, or because the user of the database lacks rights
   * - `waiting`: nothing has been looked at yet
   * - `building`: days are being reported, by this process or by another one
   * - `current`: every day that is due is reported
   * - `failing`: the last attempt failed and is repeated; see the log
   */
  export type ReportsState = 'off' | 'waiting' | 'building' | 'current' | 'failing';

  /** Progress of summing up the sessions that the replaced class has stored this month. */
  export interface HistoryHealth {
    /** Where it stands. */
    state: HistoryState;
    /** Days that are summed up, of `daysTotal`. */
    daysDone: number;
    /** Days of the month with such sessions; 0 until they are known. */
    daysTotal: number;
  }

  /**
   * State of summing up the sessions that the replaced class has stored.
   *
   * - `none`: there are no such sessions, or nobody has logged in or asked for metrics yet
   * - `building`: this process or another one sums them up; `getMetrics()` waits
   * - `done`: they are summed up
   */
  export type HistoryState = 'none' | 'building' | 'done';

  /** State of one destination. Its events are stored in MongoDB in any case. */
  export interface DestinationHealth {
    /** Its name. */
    name: string;
    /** Its format. */
    format: 'raw' | 'mixpanel' | 'segment' | 'posthog' | 'amplitude' | 'gameanalytics';
    /** Events that wait or are being sent. */
    queued: number;
    /** Memory that they take, in bytes; bounded by `maxQueueBytes`. */
    queuedBytes: number;
    /** Events that the receiver has accepted. */
    sent: number;
    /** Events that were sent again, once per attempt. */
    retried: number;
    /** Events that the receiver refuses for good: invalid, too large, or not allowed there. */
    refused: number;
    /** Events that waited for longer than `maxAgeMs`, and were not forwarded. */
    expired: number;
    /** Events that were not forwarded for another reason, by reason. */
    dropped: Counts<DestinationDropReason>;
    /** Whether events are sent to the receiver. */
    circuit: CircuitState;
    /** Time that the oldest event has waited, in milliseconds; 0 when none waits. */
    oldestWaitingMs: number;
    /** The last error of this destination, if there was one. */
    lastError?: LastError;
  }

  /**
   * Whether events are sent to a receiver: the state of its circuit breaker.
   *
   * - `closed`: yes
   * - `open`: no: five requests in a row have failed. One request follows after a delay
   * - `half-open`: that request is being sent. A 2xx status closes the circuit
   * - `disabled`: never again: the receiver answered 410
   */
  export type CircuitState = 'closed' | 'open' | 'half-open' | 'disabled';

  /** The last error. */
  export interface LastError {
    /** What happened, without secrets. */
    message: string;
    /** Time of the system clock, in milliseconds since 1970. */
    atMs: number;
  }

  /** What `track()` may be told about an event. */
  export interface TrackOptions {
    /**
     * When the event happened, in milliseconds since 1970 or as a `Date`: its `ts`, its day and the
     * totals that it adds to are those of that moment. Default: the time of the call.
     *
     * At most 5 minutes after the time of the call, and at most 7 days before it, since older events
     * are not kept. Else the event is rejected as `invalid_timestamp`. The 7 days hold also where the
     * index on `ts` was made to expire sooner: an event older than that is added to the totals of its
     * day and forwarded, and MongoDB deletes its document.
     */
    timestamp?: Date | number | null;
    /**
     * The id that the sender gave the event, as that of a Stripe event: 1 to 256 bytes of UTF-8, for
     * events of this name only. Of all events of one name with one key, in any process, the first is
     * stored, counted and forwarded. The others are recognised for 90 days after it was stored, also
     * under another user, moment or `data`, and counted as {@link Health.redelivered}; another amount
     * is told as `warnings.redelivered_otherwise`.
     *
     * Forwarding waits until MongoDB has told which it is, and events that came later wait behind it.
     * An event with a key but without a name is rejected as `invalid_event`.
     */
    dedupeKey?: string | null;
  }

  /** Counts by reason; a reason that did not occur is missing. */
  export type Counts<Reason extends string> = { [R in Reason]?: number };

  /**
   * Why a record was never accepted.
   *
   * - `invalid_id`: a user id that cannot be made a string; for a login or logout also a missing
   *   one
   * - `invalid_event`: an event name that cannot be made a string
   * - `invalid_name`: a username that cannot be made a string
   * - `invalid_timestamp`: a `timestamp` that is no `Date` or number, lies more than 5 minutes ahead,
   *   or is older than 7 days
   * - `invalid_dedupe_key`: a `dedupeKey` that is no string of 1 to 256 bytes
   * - `id_too_long`: a user id of more than 256 bytes
   * - `name_too_long`: an event name of more than 256 bytes
   * - `event_too_large`: data of more than `maxEventBytes`
   * - `too_deep`: data nested deeper than MongoDB stores
   * - `cyclic`: data that contains itself
   * - `invalid_key`: a NUL character in a key
   * - `bigint_out_of_range`: a BigInt of more than 64 bits
   * - `unreadable`: reading the arguments threw an error
   * - `unserializable`: a value that BSON cannot hold
   * - `hand_over_failed`: the records of one turn could not be enqueued
   * - `queue_full`: `maxQueueBytes` was reached
   * - `stopped`: `stop()` was called before
   */
  export type RejectReason =
    | 'invalid_id'
    | 'invalid_event'
    | 'invalid_name'
    | 'invalid_timestamp'
    | 'invalid_dedupe_key'
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
   * What a warning counts.
   *
   * - `invalid_amount`: an amount that is not a finite number, or is beyond 2^53, was added as 0
   * - `invalid_currency`: the currency of a purchase is no code of ISO 4217; the purchase
   *   was stored without a currency
   * - `name_cut`: a username of more than 256 bytes was stored cut
   * - `not_forwardable`: an event was stored, but not forwarded: `JSON.stringify` refused its data
   *   or made more than four times `maxEventBytes` of it
   * - `total_left_out`: an amount was not added, because the stored total is not a number or would
   *   be beyond 2^53
   * - `day_restored`: a daily document was older than the last update by this process, as after
   *   restoring a backup; totals continue from what is there
   * - `totals_uncertain`: records are not in the totals, because another process wrote under the
   *   same id, or because it cannot be read what was estimated of the session that a logout ends
   * - `redelivered_otherwise`: an event came again under its `dedupeKey` with another amount; the
   *   amount that was stored first counts
   * - `purchase_lost`: a purchase is not in `purchases`, because MongoDB refuses it or the collection;
   *   its event is stored and counted
   * - `late`: a login from the spool was more than 30 days old; it is stored, and not counted as a
   *   user of its day and month
   */
  export type WarningReason =
    | 'invalid_amount'
    | 'invalid_currency'
    | 'name_cut'
    | 'not_forwardable'
    | 'total_left_out'
    | 'day_restored'
    | 'totals_uncertain'
    | 'redelivered_otherwise'
    | 'purchase_lost'
    | 'late';

  /**
   * Why an accepted record was lost.
   *
   * - `refused_by_server`: MongoDB refused the document for its content; or it refused the marker of
   *   a user, whose login is stored and not counted in `dau` and `mau`
   * - `malformed`: what was encoded of it is no BSON, because a value changed while it was read
   * - `spool_damaged`: it could not be read back from `spoolDir`
   * - `internal`: a defect of this package
   */
  export type DropReason = 'refused_by_server' | 'malformed' | 'spool_damaged' | 'internal';

  /**
   * Why an event was not forwarded.
   *
   * - `queue_full`: `maxQueueBytes` of the destination was reached
   * - `disabled`: the receiver answered 410
   */
  export type DestinationDropReason = 'queue_full' | 'disabled';

  /**
   * Kind of an error. Stable between releases.
   *
   * - `ANALYTICS_TIMEOUT`: not finished within `operationTimeoutMs`; the message has the last
   *   error, if there was one
   * - `ANALYTICS_HISTORY_BUILDING`: this month's sessions of the replaced class are not summed up, or
   *   stored days not reported, within that time; try again later
   * - `ANALYTICS_REPORTS_OFF`: the method answers out of reports, and these are off
   * - `ANALYTICS_DATABASE`: the database refuses the request, and would refuse it again
   * - `ANALYTICS_SPOOL_UNAVAILABLE`: `spoolDir` cannot be used; thrown by the constructor only
   * - `ANALYTICS_NO_RESOURCES`: the system refuses threads or file descriptors, of which each
   *   instance needs a few; thrown by the constructor only
   * - `ANALYTICS_INVALID_URI`: `uri` is not a connection string, or has an option that cannot be
   *   honoured, which the message names; thrown by the constructor only
   * - `ANALYTICS_INTERNAL`: a defect of this package keeps this instance from storing anything; records
   *   wait, and it tries again each minute; see {@link Health.lastError}
   */
  export type ErrorCode =
    | 'ANALYTICS_TIMEOUT'
    | 'ANALYTICS_HISTORY_BUILDING'
    | 'ANALYTICS_REPORTS_OFF'
    | 'ANALYTICS_DATABASE'
    | 'ANALYTICS_SPOOL_UNAVAILABLE'
    | 'ANALYTICS_NO_RESOURCES'
    | 'ANALYTICS_INVALID_URI'
    | 'ANALYTICS_INTERNAL';

  /**
   * An `Error` with a code: `flush()` and all methods that read the database reject with it, and the
   * constructor throws it when `spoolDir` cannot be used or resources lack. It has no class of its own.
   */
  export interface AnalyticsError extends Error {
    /** Kind of the error; the message says more. */
    code: ErrorCode;
  }
}

export = AnalyticsSystem;
