// The mongoose-based class, from the file that BENCH_REFERENCE names.
'use strict';

const { DURABLE } = require('../workload');

async function open({ uri, database, reference }) {
  const mongoose = require(require.resolve('mongoose', { paths: [reference] }));
  await mongoose.connect(uri, { dbName: database, writeConcern: DURABLE });
  const AnalyticsSystem = require(reference);
  await Promise.all(Object.values(mongoose.models).map((model) => model.init()));
  const pending = observeWrites(mongoose.models.GSOEvent);
  const system = quietly(() => {
    const made = new AnalyticsSystem();
    made.start();
    return made;
  });
  const stored = async () => {
    while (pending.size > 0) await Promise.allSettled(pending);
  };
  return {
    track: (event, userId, data) => system.track(event, userId, data),
    login: (userId, name) => system.onLogin(userId, name),
    metrics: () => system.getMetrics(),
    stored,
    async close() {
      await stored();
      await system.stop();
      await mongoose.disconnect();
    },
  };
}

/** It tells nobody when an event is stored. */
function observeWrites(model) {
  const pending = new Set();
  const { create } = model;
  model.create = function (...args) {
    const write = create.apply(this, args);
    pending.add(write);
    const done = () => pending.delete(write);
    write.then(done, done);
    return write;
  };
  return pending;
}

/** Results go to stdout: nothing else may. */
function quietly(work) {
  const { log } = console;
  console.log = () => {};
  try {
    return work();
  } finally {
    console.log = log;
  }
}

module.exports = { open };
