// Run as a child process: downloads mongod into argv[2], prints `{"path": …}` as its last line.
// A process of its own, so that mongod-binary.js can end it when nothing arrives any more.
'use strict';

async function main(downloadDir) {
  const { MongoBinary } = require('mongodb-memory-server-core/lib/util/MongoBinary');
  const path = await MongoBinary.getPath({ downloadDir });
  console.log(JSON.stringify({ path }));
}

main(process.argv[2]).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
