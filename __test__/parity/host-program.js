// Run as a child process: a small game server that plays one scenario, then prints what its calls
// returned. Arguments: scenario file, scenario name, number of the process within the scenario.
'use strict';

const REPORT = '@@report ';

async function main([group, name, process_]) {
  const scenario = require(`./scenarios/${group}`).find((one) => one.name === name);
  // Before anything else is loaded; see clock.js.
  const clock = scenario.clock && require('../support/clock').installClock(scenario.clock);
  const host = new Host(scenario, clock);
  if (scenario.connect !== 'by itself') await host.connect();
  if (scenario.load !== 'by itself') host.load();
  const play = scenario.processes ? scenario.processes[Number(process_)] : scenario.run;
  await play(host);
  await host.finish();
  process.stdout.write(`${REPORT}${JSON.stringify(host.notes)}\n`);
  if (scenario.referenceNeverEnds && host.isReference) process.exit(0);
}

class Host {
  constructor(scenario, clock) {
    this.mongoose = require('mongoose');
    this.scenario = scenario;
    this.clock = clock;
    this.uri = process.env.PARITY_URI;
    this.dbName = process.env.PARITY_DATABASE;
    this.webhookUrl = process.env.PARITY_WEBHOOK_URL;
    this.isReference = process.env.PARITY_KIND === 'reference';
    this.notes = {};
    this.systems = [];
    this.pending = [];
    this.describe = require('./describe').describeWith(this.mongoose.Types.ObjectId);
  }

  connect(uri = this.uri, options = {}) {
    return this.mongoose.connect(uri, { ...options, ...this.scenario.connectOptions });
  }

  get bson() {
    return this.mongoose.mongo.BSON;
  }

  get db() {
    return this.mongoose.connection.db;
  }

  /** Loads the class, as the line in a host that is swapped. */
  load() {
    this.AnalyticsSystem = require(process.env.PARITY_IMPLEMENTATION);
    if (this.isReference) this.observeEventWrites();
    return this.AnalyticsSystem;
  }

  /** The reference writes events without telling anybody when; so their promises are kept here. */
  observeEventWrites() {
    const model = this.mongoose.models.GSOEvent;
    const create = model.create;
    model.create = (...args) => {
      const written = create.apply(model, args);
      this.pending.push(written);
      return written;
    };
  }

  create(Class = this.AnalyticsSystem) {
    const system = new Class();
    this.systems.push(system);
    return system;
  }

  note(name, value) {
    this.notes[name] = this.describe(value);
  }

  /** Notes what the call returned or threw. */
  attempt(name, call) {
    try {
      this.note(name, call());
    } catch (error) {
      this.notes[name] = { '<threw>': error.name };
    }
  }

  /** Notes how the promise ended, and whether the call returned one. */
  async attemptAsync(name, call) {
    try {
      const promise = call();
      this.notes[name] = { promise: typeof promise?.then === 'function' };
      this.notes[name].resolved = this.describe(await promise);
    } catch (error) {
      this.notes[name].rejected = error instanceof Error ? '<Error>' : this.describe(error);
    }
  }

  /** Resolves when every event that is going to be stored is stored. */
  async settle() {
    await Promise.allSettled(this.pending);
    if (!this.isReference) await Promise.all(this.systems.map((system) => system.flush()));
  }

  /** Between the processes of one scenario: a mark in the database, and waiting for it. */
  async signal(mark) {
    await this.db.collection('parity_signals').insertOne({ mark });
  }

  async waitForSignal(mark) {
    const { waitFor } = require('../support/wait');
    const find = () => this.db.collection('parity_signals').findOne({ mark });
    await waitFor(find, { timeoutMs: 20_000, what: `the signal "${mark}"` });
  }

  async finish() {
    await Promise.allSettled(this.pending);
    for (const system of this.systems) await system.stop();
    if (this.mongoose.connection.readyState === 1) {
      const models = this.mongoose.modelNames().map((name) => this.mongoose.model(name));
      await Promise.allSettled(models.map((model) => model.init()));
    }
    await this.mongoose.disconnect();
  }
}

if (require.main === module) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { REPORT };
