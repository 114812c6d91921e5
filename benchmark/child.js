// Run as a process of its own: one side, one measurement. The task is the argument, the result is the
// one line it prints. Needs `process.threadCpuUsage()`, Node 24.
'use strict';

async function main(task) {
  const { open } = require(`./peers/${task.peer}`);
  const { run } = require(`./measures/${task.measure}`);
  const peer = await open(task);
  const done = { events: 0, credits: 0, logins: 0 };
  const result = await run(counted(peer, done), task);
  const { rejected, dropped } = peer.health?.() ?? {};
  await peer.close();
  process.stdout.write(`${JSON.stringify({ ...result, done, rejected, dropped })}\n`);
}

/** The same peer, which counts what must be found in the database afterwards. */
function counted(peer, done) {
  return {
    ...peer,
    track(event, userId, data) {
      done.events += 1;
      done.credits += data.amount;
      peer.track(event, userId, data);
    },
    login(userId, name) {
      done.logins += 1;
      return peer.login(userId, name);
    },
  };
}

main(JSON.parse(process.argv[2])).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
