/**
 * `test-destination <name>`: one test event, and what the receiver answers.
 */
'use strict';

const NAME = 'gso-analytics.test';
const USER = 'gso-analytics-test';

/** What each verdict means, and what to do. */
const MEANINGS = {
  taken: 'it is taken',
  away: 'the receiver is away or busy: the game sends such an event again, until it is taken or too old',
  misconfigured:
    'a setting is probably wrong, as the key or the URL: correct it, the game would try ten times',
  refused: 'the receiver refuses this event: the game would count it as refused',
  gone: 'the receiver says that it is gone for good: the game would send it nothing more',
};

/** @type {import('./index.js').Command} */
module.exports = {
  summary: 'Sends a test event to a destination, and says what the receiver answers',
  description: `
Sends one event, ${NAME} of the user ${USER}, once and with data that say
that it is a test: in the format, with the privacy and the signature of the destination, whatever
its allow and deny say. Then it says what the receiver answered, and what that means.

The destination is found by its name among webhookUrl and destinations in the file of --options, or
is the one of the environment (ANALYTICS_WEBHOOK_…), as in the game. No database is needed. The exit
code is 0 when the event is taken, else 1.`,
  arguments: ['<name>'],
  options: {
    json: {
      type: 'boolean',
      help: 'one JSON document: { destination, format, event, id, verdict, status, answer, problem }, the verdict being taken, away, misconfigured, refused or gone',
    },
  },
  examples: [
    'gso-analytics test-destination webhook --options game.json',
    'ANALYTICS_WEBHOOK_URL=https://example.org/hook gso-analytics test-destination webhook',
  ],
  async run(context) {
    const [destination] = context.positionals;
    const reader = context.reader({ destination, needsDatabase: false });
    const { format } = reader.destination();
    const probed = await context.during(() => 'waiting for an answer', reader.probe(testEvent()));
    if (context.values.json) {
      const tested = { destination, format, event: NAME, ...probed };
      await context.out(JSON.stringify(tested, null, 2));
    } else {
      for (const line of linesOf({ destination, format, ...probed })) await context.out(line);
    }
    return probed.verdict === 'taken' ? 0 : 1;
  },
};

/** @returns {import('../../../native.js').StoredEvent} */
function testEvent() {
  const { ObjectId } = require('bson');
  const ts = new Date();
  const data = { test: true, note: 'a test event of gso-analytics, nothing happened in the game' };
  return {
    ...{ seq: 1, document: new ObjectId().toHexString(), hasKey: false, timeMs: ts.getTime() },
    ...{ user: USER, name: NAME },
    body: JSON.stringify({ event: NAME, userId: USER, data, ts }),
  };
}

/**
 * @param {import('../reader.js').Probed & { destination: string, format: string }} probed whose texts of others are
 *   clean lines
 */
function linesOf({ destination, format, id, verdict, status, answer, problem }) {
  const said = status === null ? 'no answer' : `${status}${answer === '' ? '' : `, ${answer}`}`;
  return [
    `${destination} (${format}) was sent ${NAME}, id ${id}`,
    `It answered: ${said}`,
    ...(problem === null ? [] : [`Problem: ${problem}`]),
    `It means: ${MEANINGS[verdict]}`,
  ];
}
