// Tells which of the addon's writes a command is, and what the replies show: documents that were there
// already, compare-and-sets that matched nothing, and commands that were sent again.
'use strict';

const { assertFitsShards } = require('../../support/sharding');

const DUPLICATE_KEY = 11000;

/** Tells the kind of a write by its command. */
const KINDS = {
  'insert events': ({ insert }) => insert === 'gsoevents',
  'insert sessions': ({ insert }) => insert === 'gsosessions',
  'close sessions': ({ update }) => update === 'gsosessions',
  'ensure day': ({ update, updates }) => update === 'gsodailies' && updates[0].upsert === true,
  'add to day': ({ findAndModify }) => findAndModify === 'gsodailies',
  'confirm day': ({ update, updates }) => update === 'gsodailies' && !updates[0].upsert,
  'insert markers': ({ insert, documents }) =>
    insert === 'gsouniques' && documents[0]._id.p !== 'base',
  'insert bases': ({ insert, documents }) =>
    insert === 'gsouniques' && documents[0]._id.p === 'base',
  // Makes earlier writes visible to the read that follows.
  'pass old writes': ({ update, updates }) =>
    update === 'gsouniques' && updates[0].q._id.p === 'history' && updates[0].upsert === true,
  // The writes that sum up sessions stored before, in their order.
  'claim month': ({ findAndModify }) => findAndModify === 'gsouniques',
  'mark old users': ({ aggregate, pipeline }) =>
    aggregate === 'gsosessions' && pipeline.some(({ $merge }) => $merge),
  'mark base': ({ update, updates }) => update === 'gsouniques' && updates[0].u.$set?.marked,
  'end base': ({ update, updates }) =>
    update === 'gsouniques' && updates[0].u.$set?.state === 'done',
  'end claim': ({ update, updates }) => update === 'gsouniques' && updates[0].q._id.p === 'history',
};

const COMMANDS = ['insert', 'update', 'findAndModify', 'aggregate'];

/** The entry of the writer that adds to a day. */
const entryOf = ({ query }) => Object.keys(query).find((name) => name.startsWith('_a.w.'));

/** The kind of write that a request is; undefined for everything else. */
function kindOf(request) {
  if (!COMMANDS.includes(request.command)) return undefined;
  return Object.keys(KINDS).find((kind) => KINDS[kind](request.body));
}

/** Each statement as text. Of another process only statements about whole days are the same. */
function statements({ body }) {
  const { documents, updates, query, update, pipeline } = body;
  const sent = documents ?? updates?.map(({ q, u }) => [q, u]) ?? [[query, update, pipeline]];
  return sent.map((statement) => JSON.stringify(statement));
}

/**
 * Counts what passes a proxy, and throws for a command that does not fit a sharded cluster:
 * `startProxy(port, { observe: tally.observe })`.
 */
class Tally {
  #seen = new Map(Object.keys(KINDS).map((kind) => [kind, new Set()]));

  constructor() {
    this.kinds = Object.fromEntries(
      Object.keys(KINDS).map((kind) => [
        kind,
        { commands: 0, statements: 0, replays: 0, duplicates: 0, casConflicts: 0, errors: 0 },
      ]),
    );
    this.observe = (request, reply) => {
      assertFitsShards(request);
      const kind = kindOf(request);
      if (kind) this.#count(kind, request, reply.body);
    };
  }

  #count(kind, request, reply) {
    const counts = this.kinds[kind];
    const sent = statements(request);
    const again = sent.filter((statement) => this.#seen.get(kind).has(statement));
    for (const statement of sent) this.#seen.get(kind).add(statement);
    const refused = reply.writeErrors ?? [];
    const duplicates = refused.filter(({ code }) => code === DUPLICATE_KEY);
    counts.commands += 1;
    counts.statements += sent.length;
    counts.replays += again.length;
    counts.duplicates += duplicates.length;
    counts.errors += refused.length - duplicates.length + (reply.ok === 1 ? 0 : 1);
    counts.casConflicts += casConflicts(kind, reply);
  }

  /** The sums over all kinds of write. */
  total(what) {
    return Object.values(this.kinds).reduce((sum, counts) => sum + counts[what], 0);
  }

  /** How many statements a write holds. */
  statementsOf(request) {
    return statements(request).length;
  }

  /** The counts of a kind that are not zero. */
  line(kind) {
    const shown = Object.entries(this.kinds[kind]).filter(([, count]) => count > 0);
    const counts = shown.map(([what, count]) => `${count} ${what}`);
    return `${kind}: ${counts.join(', ') || 'none'}`;
  }

  lines() {
    return Object.keys(this.kinds).map((kind) => this.line(kind));
  }
}

const UPDATES_THAT_MAY_MISS = ['confirm day', 'mark base', 'end base'];

/** A compare-and-set or a confirmation that matched nothing. */
function casConflicts(kind, reply) {
  if (reply.ok !== 1) return 0;
  if (kind === 'add to day') return reply.value === null ? 1 : 0;
  return UPDATES_THAT_MAY_MISS.includes(kind) && reply.n === 0 ? 1 : 0;
}

module.exports = { KINDS: Object.keys(KINDS), Tally, entryOf, kindOf };
