/**
 * `metrics`: the figures of the game for a scrape.
 */
'use strict';

/** @type {import('./index.js').Command} */
module.exports = {
  summary: 'Writes the figures of the game as OpenMetrics, for Prometheus',
  description: `
The figures of the whole game, which every process of the game gives too by getOpenMetrics(). Those
of one process (records, queue, destinations) only that process knows. Nothing is written to the
database: today_events and yesterday's figures come from reports that are stored already.`,
  options: {
    prometheus: { type: 'boolean', help: 'the older text format of Prometheus, 0.0.4' },
  },
  examples: [
    'gso-analytics metrics',
    'gso-analytics metrics --prometheus > game.prom.tmp && mv game.prom.tmp game.prom',
  ],
  async run(context) {
    const format = context.values.prometheus ? 'prometheus' : 'openmetrics';
    const reading = context.reader().getGameMetrics({ format });
    const text = await context.during(() => 'reading', reading);
    context.stdout.write(text);
  },
};
