// Plays random databases, several at a time on one server.
'use strict';

const { play } = require('./play');

/** Most of a database's time its instances wait for their first look. */
const AT_A_TIME = 8;

/** Answers with those that differ: `{ seed, lines }`, the smallest difference first. */
async function playAll({ mongo, seeds, onPlayed = () => {} }) {
  const left = [...seeds];
  const failures = [];
  const work = async () => {
    for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
      const lines = await played(mongo, seed);
      if (lines.length > 0) failures.push({ seed, lines });
      onPlayed({ seed, lines });
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return failures;
}

async function played(mongo, seed) {
  const database = mongo.database();
  try {
    return await play(seed, database);
  } catch (error) {
    return [`not played: ${error.stack}`];
  } finally {
    await database.db.dropDatabase();
  }
}

function describeFailure({ seed, lines }) {
  return `seed ${seed}: ${lines.length} differences; the smallest: ${lines[0]}
to repeat it: npm run test:oracle -- --only ${seed}`;
}

module.exports = { describeFailure, playAll };
