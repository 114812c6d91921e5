// Run as a process of its own: one side, one measurement. The task is the argument, the result is the
// one line it prints. Needs `process.threadCpuUsage()`, Node 24.
'use strict';

async function main(task) {
  const { open } = require(`./peers/${task.peer}`);
  const { run } = require(`./measures/${task.measure}`);
  const peer = await open(task);
  const result = await run(peer, task);
  await peer.close();
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

main(JSON.parse(process.argv[2])).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
