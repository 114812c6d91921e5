// Run as a child process: downloads mongod into argv[2], prints `{"path": …}` as its last line.
// A process of its own, so that mongod-binary.js can end it when nothing arrives any more.
'use strict';

/** Of the release line that all tests have run with; the variable is that of the downloader. */
const version = process.env.MONGOMS_VERSION ?? '6.0.14';

async function main(downloadDir) {
  const { MongoBinary } = require('mongodb-memory-server-core/lib/util/MongoBinary');
  const path = await MongoBinary.getPath({ downloadDir, version });
  console.log(JSON.stringify({ path }));
}

main(process.argv[2]).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
