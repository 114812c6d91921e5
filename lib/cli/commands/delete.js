/**
 * `delete <user>`: erases a user.
 */
'use strict';

const { UsageError } = require('../arguments.js');

/** @type {import('./index.js').Command} */
module.exports = {
  summary: 'Erases a user: deletes the documents, or puts a pseudonym in place of the id',
  description: `
Deletes sessions, events, markers and the first day of the user; purchases stay, without the id.
With --keep-counts documents stay, too, under one random pseudonym, so that what is computed of them
later does not change. Totals and reports keep their numbers, they name nobody. What cannot be
reached is told; call it again when the other processes have written what they hold. It may be
repeated at any time, and goes on where it was interrupted. Needs the right to remove.`,
  arguments: ['<user>'],
  options: {
    yes: { type: 'boolean', help: 'needed: it cannot be undone' },
    'keep-counts': { type: 'boolean', help: 'puts a pseudonym in place of the id' },
    json: { type: 'boolean', help: 'one JSON document: { documents, notReached }' },
  },
  examples: [
    'gso-analytics export 65f0c1d2a4b3c2d1e0f9a8b7 > user.jsonl',
    'gso-analytics delete 65f0c1d2a4b3c2d1e0f9a8b7 --yes',
  ],
  async run(context) {
    const { yes, json, 'keep-counts': keepCounts = false } = context.values;
    if (!yes) {
      throw new UsageError('nothing was deleted: it cannot be undone, so --yes must be given');
    }
    const erasing = context.reader().deleteUser(context.positionals[0], { keepCounts });
    const { documents, notReached } = await context.during(
      () => 'erasing',
      erasing.catch(adviseRepeating),
    );
    const erasure = { documents, notReached: [...notReached, ...forwarded(context.fileOptions())] };
    if (json) {
      await context.out(JSON.stringify(erasure, null, 2));
      return;
    }
    const counts = Object.entries(erasure.documents).map(([name, count]) => `${name} ${count}`);
    await context.out(`${keepCounts ? 'changed' : 'deleted'}: ${counts.join(', ')}`);
    for (const where of erasure.notReached) await context.out(`not reached: ${where}`);
  },
};

/**
 * Copies at destinations of the game, to which this process forwards nothing.
 *
 * @param {any} options
 */
function forwarded({ webhookUrl, destinations = [] }) {
  const listed = destinations.map((/** @type {any} */ one) => one.name ?? one.format ?? 'webhook');
  /** @type {string[]} */
  const names = webhookUrl === undefined ? listed : ['webhook', ...listed];
  const found = names.length === 0 ? ['a destination'] : names;
  return found.map((name) => `events that the game forwarded to ${name}: erase them there`);
}

/**
 * @param {any} error
 * @returns {never}
 */
function adviseRepeating(error) {
  if (error.code === 'ANALYTICS_TIMEOUT') {
    error.message += '. Run it again: it goes on where it ended';
  }
  throw error;
}
