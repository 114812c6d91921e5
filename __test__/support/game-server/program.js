// The game server of all tests, a process of its own: `node program.js <settings as JSON>`.
//
// `settings.plays` names a module of the suite that exports `(settings, port) => orders`: an object with a
// function for each order. The parent sends `{ number, what, given }` over IPC; the server answers
// `{ number, answer }` or `{ number, error: { message, code } }`. It sends number 0 when it is ready.
// With `settings.inThread` a worker thread carries the orders out.
'use strict';

const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

/** The parent has died: nobody else would end this process. */
function endWithoutParent() {
  process.exit(1);
}

/** Endings that a worker thread requests from its main thread by sending `{ end }`. */
const ENDS = {
  async terminate(worker) {
    await worker.terminate();
    processPort.close();
  },
  /** The addon writes the records of the thread while the process exits. */
  exit: () => process.exit(0),
};

const processPort = {
  listen: (take) => process.on('message', take),
  send: (message) => process.send(message),
  close() {
    process.off('disconnect', endWithoutParent);
    process.disconnect();
  },
};

const threadPort = {
  listen: (take) => parentPort.on('message', take),
  send: (message) => parentPort.postMessage(message),
  close: () => parentPort.close(),
};

async function serve(settings, port) {
  const orders = await require(settings.plays)(settings, port);
  port.listen(async ({ number, what, given }) => {
    try {
      port.send({ number, answer: what === 'leave' ? null : await orders[what](given) });
      // The channel was the last thing that kept a stopped server alive.
      if (what === 'leave') setImmediate(port.close);
    } catch (error) {
      const message = `${what}: ${error.stack ?? error}`;
      port.send({ number, error: { message, code: error.code } });
    }
  });
  port.send({ number: 0 });
}

function passOn(settings) {
  const worker = new Worker(__filename, { workerData: settings });
  worker.on('message', (message) => {
    if (message.end) ENDS[message.end](worker);
    else process.send(message);
  });
  process.on('message', (message) => worker.postMessage(message));
}

if (!isMainThread) serve(workerData, threadPort);
else {
  process.on('disconnect', endWithoutParent);
  const settings = JSON.parse(process.argv[2]);
  if (settings.inThread) passOn(settings);
  else serve(settings, processPort);
}
