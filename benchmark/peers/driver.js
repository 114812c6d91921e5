// The best that plain JavaScript does: the official driver, whole batches, several in flight, one
// update of the daily totals every half second. Batches go through `insertMany`, or, with `raw`, as the
// `insert` command that it makes of them, which spares it a second look at every document.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const { BSON, MongoClient } = require('../../__test__/support/driver');
const { DURABLE, DURABLE_COMMAND } = require('../workload');

const TOTALS_EVERY_MS = 500;
const UNORDERED = { ordered: false };

async function open({ uri, database, batch, inFlight, raw }) {
  const client = new MongoClient(uri, { writeConcern: DURABLE });
  const db = client.db(database);
  await db.command({ ping: 1 });
  const writer = new Writer(db, { batch, inFlight, raw });
  return {
    track: (event, userId, data) => writer.track(event, userId, data),
    stored: () => writer.stored(),
    close: () => client.close(),
  };
}

class Writer {
  constructor(db, { batch, inFlight, raw }) {
    this.db = db;
    this.raw = raw;
    this.events = db.collection('gsoevents');
    this.daily = db.collection('gsodailies');
    this.batch = batch;
    this.free = inFlight;
    this.filling = [];
    this.full = [];
    this.amounts = new Map();
    this.writes = new Set();
    this.scheduled = false;
  }

  track(event, userId, data) {
    const ts = new Date();
    const day = ts.toISOString().slice(0, 10);
    // `insertMany` makes an `_id` itself.
    const document = this.raw ? { _id: new BSON.ObjectId() } : {};
    this.filling.push(Object.assign(document, { userId, event, data, day, ts, __v: 0 }));
    this.amounts.set(day, (this.amounts.get(day) ?? 0) + data.amount);
    if (this.filling.length >= this.batch) this.turnOver();
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.endOfTurn());
  }

  endOfTurn() {
    this.scheduled = false;
    // A batch that is not full goes only when nothing else does: groups grow with the load.
    if (this.filling.length > 0 && this.writes.size === 0) this.turnOver();
    this.totals ??= delay(TOTALS_EVERY_MS).then(() => this.addTotals());
  }

  turnOver() {
    this.full.push(this.filling);
    this.filling = [];
    this.pump();
  }

  pump() {
    while (this.free > 0 && this.full.length > 0) {
      this.free -= 1;
      const write = this.insert(this.full.shift()).then(() => {
        this.writes.delete(write);
        this.free += 1;
        if (this.full.length === 0 && this.filling.length > 0) this.turnOver();
        else this.pump();
      });
      this.writes.add(write);
    }
  }

  async insert(documents) {
    if (!this.raw) return this.events.insertMany(documents, UNORDERED);
    const { n } = await this.db.command({
      ...{ insert: 'gsoevents', documents, ordered: false },
      writeConcern: DURABLE_COMMAND,
    });
    if (n !== documents.length) throw new Error(`${n} of ${documents.length} are inserted`);
  }

  async addTotals() {
    this.totals = undefined;
    const added = [...this.amounts];
    this.amounts.clear();
    for (const [day, amount] of added) {
      const change = { $inc: { creditsEarned: amount } };
      await this.daily.updateOne({ day }, change, { upsert: true });
    }
  }

  async stored() {
    if (this.filling.length > 0) this.turnOver();
    while (this.writes.size > 0 || this.full.length > 0) await Promise.all(this.writes);
    await this.totals;
    await this.addTotals();
  }
}

module.exports = { open };
