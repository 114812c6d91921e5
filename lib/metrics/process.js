/**
 * Families of one process, out of its health.
 */
'use strict';

const { version } = require('../../package.json');

/**
 * @typedef {import('../../index.js').Health} Health
 * @typedef {Health['destinations'][0]} Destination
 * @typedef {import('./exposition.js').Family} Family
 */

/** All reasons, so that the first increase of one is seen as such. */
const DROPPED = ['refused_by_server', 'malformed', 'spool_damaged', 'internal'];
const REJECTED = [
  ...['invalid_id', 'invalid_event', 'invalid_name', 'invalid_timestamp', 'invalid_dedupe_key'],
  ...['id_too_long', 'name_too_long', 'event_too_large', 'too_deep', 'cyclic', 'invalid_key'],
  ...['bigint_out_of_range', 'unreadable', 'unserializable', 'hand_over_failed', 'queue_full'],
  'stopped',
];
const WARNINGS = [
  ...['invalid_amount', 'invalid_currency', 'name_cut', 'not_forwardable', 'total_left_out'],
  ...['day_restored', 'totals_uncertain', 'redelivered_otherwise', 'purchase_lost', 'late'],
];
const CIRCUITS = ['closed', 'open', 'half-open', 'disabled'];

/**
 * @param {Health} health
 * @param {number} maxQueueBytes
 * @returns {Family[]}
 */
function processFamilies(health, maxQueueBytes) {
  const { reports, spool } = health;
  const successS = reports.lastSuccessMs === undefined ? undefined : reports.lastSuccessMs / 1000;
  return [
    {
      name: 'gso_analytics_build',
      type: 'info',
      help: 'Version of gso-analytics.',
      samples: [{ labels: { version }, value: 1 }],
    },
    gauge('database_connected', '1 while MongoDB is connected.', Number(health.connected)),
    gauge(
      'totals_blocked',
      '1 while records are not added to the totals of the day.',
      Number(health.totals === 'blocked'),
    ),
    gauge('queue_records', 'Accepted records that are not written yet.', health.queued),
    gauge('queue_bytes', 'Memory of these records.', health.queuedBytes),
    gauge('queue_limit_bytes', 'Bound of that memory: maxQueueBytes.', maxQueueBytes),
    gauge('active_sessions', 'Users logged in through this process.', health.activeSessions),
    gauge('spool_bytes', 'Size of the files in spoolDir.', spool?.bytes),
    gauge(
      'reports_last_success_timestamp_seconds',
      'When this process last saw that no report was due.',
      successS,
    ),
    counter('records_accepted', 'Records taken from the game.', health.accepted),
    counter('records_written', 'Records stored in MongoDB.', health.written),
    counter('records_retried', 'Records whose write was repeated.', health.retried),
    counter('records_duplicates', 'Documents that were stored before.', health.duplicates),
    counter('records_redelivered', 'Events known by their dedupeKey.', health.redelivered),
    byReason('records_dropped', 'Accepted records that were lost.', health.dropped, DROPPED),
    byReason('records_rejected', 'Records never accepted.', health.rejected, REJECTED),
    byReason('warnings', 'Records stored or counted in part.', health.warnings, WARNINGS),
    ...destinationFamilies(health.destinations),
  ];
}

/** @type {(name: string, help: string, value: number | undefined) => Family} */
function gauge(name, help, value) {
  const samples = value === undefined ? [] : [{ value }];
  return { name: `gso_analytics_${name}`, type: 'gauge', help, samples };
}

/** @type {(name: string, help: string, value: number) => Family} */
function counter(name, help, value) {
  return { name: `gso_analytics_${name}`, type: 'counter', help, samples: [{ value }] };
}

/** @type {(name: string, help: string, counts: Record<string, number>, reasons: string[]) => Family} */
function byReason(name, help, counts, reasons) {
  const samples = reasons.map((reason) => ({ labels: { reason }, value: counts[reason] ?? 0 }));
  return { name: `gso_analytics_${name}`, type: 'counter', help, samples };
}

/**
 * @param {Destination[]} destinations
 * @returns {Family[]}
 */
function destinationFamilies(destinations) {
  /** @type {(name: string, type: Family['type'], help: string, read: (one: Destination) => number) => Family} */
  const family = (name, type, help, read) => ({
    name: `gso_analytics_destination_${name}`,
    type,
    help,
    samples: destinations.map((one) => ({
      labels: { destination: one.name },
      value: read(one),
    })),
  });
  return [
    family('events_sent', 'counter', 'Events that the receiver has accepted.', (one) => one.sent),
    family('events_retried', 'counter', 'Events that were sent again.', (one) => one.retried),
    family('events_refused', 'counter', 'Events refused for good.', (one) => one.refused),
    family('events_expired', 'counter', 'Events that waited too long.', (one) => one.expired),
    family('events_dropped', 'counter', 'Events not forwarded for another reason.', (one) =>
      Object.values(one.dropped).reduce((sum, count) => sum + count, 0),
    ),
    family('queue_records', 'gauge', 'Events that wait or are being sent.', (one) => one.queued),
    family(
      'oldest_waiting_seconds',
      'gauge',
      'How long the oldest event has waited.',
      (one) => one.oldestWaitingMs / 1000,
    ),
    {
      name: 'gso_analytics_destination_circuit',
      type: 'stateset',
      help: 'State of the circuit breaker.',
      samples: destinations.flatMap((one) =>
        CIRCUITS.map((state) => ({
          labels: { destination: one.name, gso_analytics_destination_circuit: state },
          value: Number(one.circuit === state),
        })),
      ),
    },
  ];
}

module.exports = { DROPPED, REJECTED, WARNINGS, processFamilies };
