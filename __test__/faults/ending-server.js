// A game server that ends itself under load: `node ending-server.js <settings as JSON>`. It plays turns,
// says of each on stdout how far it is, and ends as `ending` says after `turns` of them; by `terminate`
// it plays in a worker thread whose main thread ends it.
'use strict';

const { Worker, isMainThread, workerData } = require('node:worker_threads');

const settings = isMainThread ? JSON.parse(process.argv[2]) : workerData;
const isInWorker = settings.ending.startsWith('worker');

if (isMainThread && isInWorker) {
  const worker = new Worker(__filename, { workerData: settings });
  worker.once('message', async () => {
    if (settings.ending === 'worker: terminate()') await worker.terminate();
    // Its records have their time while the process still lives.
    else process.exit(0);
  });
} else {
  play();
}

/** What ends it, in the last turn and after its records; nobody ends it by these names else. */
function end() {
  switch (settings.ending) {
    case 'process.exit()':
      return process.exit(0);
    case 'an uncaught exception':
      throw new Error('uncaught on purpose');
    case 'SIGTERM':
      return process.kill(process.pid, 'SIGTERM');
    default:
      return require('node:worker_threads').parentPort.postMessage('now');
  }
}

function play() {
  const clock = require('./clock').install();
  const { writeSync } = require('node:fs');
  const { Turns } = require('./turns');
  const { Writer } = require('./writer');
  const AnalyticsSystem = require('../..');
  const analytics = new AnalyticsSystem({ logger: false, ...settings.options });
  const writer = new Writer(analytics, settings.name);
  analytics.start();
  const told = new Turns(clock.systemMs);
  let turns = 0;
  setInterval(() => {
    clock.tick();
    writer.turn(settings.turn);
    turns += 1;
    // What it has tracked before it ends, in the turn that ends it.
    if (turns === settings.turns) {
      writeSync(1, `last ${writer.events} ${writer.logins} ${clock.systemMs()}\n`);
      end();
    }
    setImmediate(() => told.end(writer.events, writer.logins));
  }, settings.everyMs);
}
