// Loaded into every process of a host: notes at its end which native libraries it had loaded.
'use strict';

const { appendFileSync } = require('node:fs');

process.once('exit', () => {
  process.report.excludeNetwork = true;
  const { sharedObjects } = process.report.getReport();
  const loaded = sharedObjects.filter((file) => file.endsWith('.node'));
  appendFileSync(process.env.PROBE_FILE, loaded.map((file) => `${file}\n`).join(''));
});
