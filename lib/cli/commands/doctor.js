/**
 * `doctor`: what is wrong with the database and those who write to it.
 */
'use strict';

const WIDTH = 14;
const SIGNS = { ok: 'ok   ', note: 'note ', wrong: 'WRONG' };

/** @type {import('./index.js').Command} */
module.exports = {
  summary: 'Looks at the database and the game, and says what is wrong and what to do',
  description: `
Connects and looks at the server and its clock, the rights of the user, indexes, how long events are
kept, days with several documents, the processes of the game and their totals, destinations and
clocks, reports, and sizes. It only reads. Each finding is ok, a note, or WRONG, with what it means
for the data and what to do. The exit code is 1 when something is WRONG.`,
  options: {
    json: {
      type: 'boolean',
      help: 'one JSON document: { ok, findings: [{ check, state, found, means, todo }] }',
    },
  },
  examples: [
    'gso-analytics doctor',
    'gso-analytics doctor --json | jq ".findings[] | select(.state == \\"wrong\\")"',
  ],
  async run(context) {
    const findings = await context.during(() => 'looking', examine(context.reader()));
    const isOk = findings.every(({ state }) => state !== 'wrong');
    if (context.values.json) await context.out(JSON.stringify({ ok: isOk, findings }, null, 2));
    else for (const finding of findings) await context.out(textOf(finding));
    return isOk ? 0 : 1;
  },
};

/** @param {import('../reader.js').Reader} reader */
async function examine(reader) {
  const { collectionFindings } = require('../doctor/collections.js');
  const { gameFindings } = require('../doctor/game.js');
  const { rightsFindings } = require('../doctor/rights.js');
  const { serverFindings } = require('../doctor/server.js');
  const facts = await reader.inspection();
  const rights = rightsFindings(facts);
  // Who may not read them hears of it as a lack of rights.
  const [days, presence] = await Promise.all([
    reader.getLast30Days().catch(() => []),
    reader.instances().catch(() => undefined),
  ]);
  const hasSamples = (presence?.instances ?? []).length > 0;
  return [
    ...serverFindings(facts),
    ...rights,
    ...collectionFindings(facts, { days, hasSamples }),
    ...(presence === undefined ? [] : gameFindings(facts, presence)),
  ];
}

/** @param {import('../doctor/finding.js').Finding} finding */
function textOf({ check, state, found, means, todo }) {
  const left = ' '.repeat(SIGNS.ok.length + 1 + WIDTH);
  return [
    `${SIGNS[state]} ${check.padEnd(WIDTH)}${found}`,
    ...(means === undefined ? [] : [`${left}It means: ${means}.`]),
    ...(todo === undefined ? [] : [`${left}To do: ${todo}.`]),
  ].join('\n');
}
