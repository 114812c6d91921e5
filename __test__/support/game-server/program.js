// The game server of all tests, a process of its own: `node program.js <settings as JSON>`.
//
// `settings.plays` is the file of the suite's orders: a function of the settings that answers an object of
// functions. Over IPC come `{ number, what, given }`; the answers are `{ number, answer }` or
// `{ number, error: { message, code } }`. The first answer, of number 0, says that orders are welcome.
// With `settings.inThread` the orders are carried out in a worker thread.
'use strict';

const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

/** Nothing would end it any more. */
function endWithoutParent() {
  process.exit(1);
}

/** What a worker thread asks of its main thread by `{ end }`. */
const ENDS = {
  async terminate(worker) {
    await worker.terminate();
    processPort.close();
  },
  /** Records of the thread have their time while the process still lives. */
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
      // From here on nothing holds a server that has stopped.
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
