/**
 * `replay`: stored events are sent to a destination again.
 */
'use strict';

const path = require('node:path');
const { planOf } = require('../replay/plan.js');

/** @typedef {import('../context.js').Context} Context */
/** @typedef {import('../replay/plan.js').Plan} Plan */

/** @type {import('./index.js').Command} */
module.exports = {
  summary: 'Sends stored events to a destination again, which a receiver has lost',
  description: `
Reads the events of a span of time, oldest first, and sends each under the id and time that the game
has sent it with, so that a receiver that looks at ids takes no event twice. Format, redactKeys,
hashUserId, signature, allow, deny, batches and retries are those of the destination. Logins and
logouts are not sent, and events only as long as MongoDB keeps them: 7 days.

The destination is found by its name among webhookUrl and destinations in the file of --options, or
is the one of the environment (ANALYTICS_WEBHOOK_…), as in the game. Secrets stand there, never
among the arguments.

It may be interrupted and killed: the same command goes on where it ended, by the file of --state,
which is removed at the end. Of what was under way some is sent twice, under the same ids. When the
destination is away, it waits; when it says that a setting is wrong (401, 403, 404, 410), it ends.

Nothing is written to the database. The exit code is 1 when it failed, or events were refused.`,
  options: {
    destination: { type: 'string', value: '<name>', help: 'its name; webhook for webhookUrl' },
    from: {
      type: 'string',
      value: '<moment>',
      help: 'the first moment: a UTC day, as 2026-11-23, or 2026-11-23T02:35:00Z',
    },
    to: { type: 'string', value: '<moment>', help: 'the first moment that is not sent any more' },
    event: {
      type: 'string',
      multiple: true,
      value: '<name>',
      help: 'only events of this name; may be given several times',
    },
    rate: {
      type: 'string',
      value: '<number>',
      help: 'most events per second, without those that are sent again; no limit by default',
    },
    state: {
      type: 'string',
      value: '<file>',
      help: 'where it keeps how far it has come, gso-analytics-replay-<name>.json here by default',
    },
    'dry-run': { type: 'boolean', help: 'counts what would be sent, by event, and sends nothing' },
    json: {
      type: 'boolean',
      help: 'one JSON document: { destination, from, to, sent, sentAgain, refused, notWanted, lastError }, or { destination, from, to, events, notWanted }',
    },
  },
  examples: [
    'gso-analytics replay --destination webhook --from 2026-11-23 --to 2026-11-24 --dry-run',
    'gso-analytics replay --options game.json --destination mixpanel --rate 500 \\',
    '  --from 2026-11-23T18:00:00Z --to 2026-11-23T19:30:00Z',
  ],
  async run(context) {
    const plan = planOf(context.values);
    if (context.values['dry-run']) return dryRun(context, plan);
    return run(context, plan);
  },
};

/** @type {(context: Context, plan: Plan) => Promise<number>} */
async function run(context, plan) {
  // What the replay needs is loaded by this command only.
  const { Replay } = require('../replay/replay.js');
  const { State } = require('../replay/state.js');
  const reader = context.reader({ destination: plan.destination });
  const file = context.values.state ?? `gso-analytics-replay-${plan.destination}.json`;
  const state = new State(path.resolve(file), plan);
  if (state.isResumed) {
    const at = new Date(state.position.fromMs).toISOString();
    context.progress(`goes on at ${at}, where ${file} says that it ended`);
  }
  const replay = new Replay(reader, plan, state);
  await context.during(() => replay.progress(), replay.run());
  const { sent, retried, refused, lastError } = reader.destination();
  const { notWanted } = replay;
  const error = lastError?.message ?? null;
  if (context.values.json) {
    const counts = { sent, sentAgain: retried, refused, notWanted, lastError: error };
    await context.out(JSON.stringify({ ...spanOf(plan), ...counts }, null, 2));
  } else {
    await context.out(
      `${plan.destination}: ${sent} sent, ${retried} sent again, ${refused} refused, ` +
        `${notWanted} not wanted by allow and deny`,
    );
    if (refused > 0) context.progress(`refused events are never taken as they are: ${error}`);
  }
  return refused > 0 ? 1 : 0;
}

/** @type {(context: Context, plan: Plan) => Promise<number>} */
async function dryRun(context, plan) {
  const { eventsOf } = require('../replay/events.js');
  const { pagesOf } = require('../replay/replay.js');
  const reader = context.reader({ destination: plan.destination });
  /** @type {Map<string, number>} */
  const counts = new Map();
  let notWanted = 0;
  const counting = async () => {
    for await (const page of pagesOf(reader, plan, { fromMs: plan.fromMs, passed: [] })) {
      const events = eventsOf(page, 1);
      for (const [index, isWanted] of reader.forward(events, { isDry: true }).entries()) {
        const { name = '' } = events[index];
        if (isWanted) counts.set(name, (counts.get(name) ?? 0) + 1);
        else notWanted += 1;
      }
    }
  };
  await context.during(() => `counting, ${sumOf(counts)} events so far`, counting());
  const most = [...counts].sort(([, one], [, other]) => other - one);
  if (context.values.json) {
    const events = most.map(([event, count]) => ({ event, count }));
    await context.out(JSON.stringify({ ...spanOf(plan), events, notWanted }, null, 2));
    return 0;
  }
  await context.out(
    `${plan.destination}: ${sumOf(counts)} would be sent, ${notWanted} are not wanted by allow and deny`,
  );
  // Names are what the game tracks; as JSON they are one line each.
  for (const [name, count] of most) await context.out(`${count} ${JSON.stringify(name)}`);
  return 0;
}

/** @param {Plan} plan */
function spanOf({ destination, fromMs, toMs }) {
  return {
    destination,
    from: new Date(fromMs).toISOString(),
    to: new Date(toMs).toISOString(),
  };
}

/** @param {Map<string, number>} counts */
function sumOf(counts) {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
