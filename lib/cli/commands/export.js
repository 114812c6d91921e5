/**
 * `export <user>`: what is stored of a user.
 */
'use strict';

/** @type {import('./index.js').Command} */
module.exports = {
  summary: 'Writes everything that is stored of a user',
  description: `
One line per document: {"collection": …, "document": …} in MongoDB's Extended JSON, so that ids and
dates stay what they are. The collections are sessions, events, uniques (by which users are
counted), purchases and players (the first day). Nothing is changed. A user whom nothing names has
no line, and the exit code is 0.`,
  arguments: ['<user>'],
  examples: ['gso-analytics export 65f0c1d2a4b3c2d1e0f9a8b7 > user.jsonl'],
  async run(context) {
    const { EJSON } = require('bson');
    let count = 0;
    const writing = async () => {
      for await (const found of context.reader().exportUser(context.positionals[0])) {
        count += 1;
        await context.out(EJSON.stringify(found, { relaxed: true }));
      }
    };
    await context.during(() => `reading, ${count} documents so far`, writing());
    if (count === 0) context.progress('nothing is stored of this user');
  },
};
