// JavaScript tests that `npm test` runs, by step; `npm run test:full` runs all others. `files` are parts of
// file names.
'use strict';

const SHORT = [
  { name: 'unit tests', files: ['unit/', 'support/'], seconds: 15 },
  {
    name: 'parity with the replaced class',
    files: ['parity/'],
    seconds: 30,
  },
  {
    name: 'API tests',
    files: [
      ...[
        'api/bad-input',
        'api/erasing',
        'api/flush',
        'api/health',
        'api/lifecycle',
        'api/open-metrics',
        'api/options',
      ],
      ...['api/logouts', 'api/totals', 'api/webhook', 'hosts/detection', 'adoption/database-name'],
    ],
    seconds: 45,
  },
  { name: 'the command', files: ['integration/cli/'], seconds: 30 },
  {
    name: 'exactness tests',
    files: ['exactness/one-day', 'exactness/lost-replies', 'faults/oracle'],
    seconds: 40,
  },
  { name: 'spool tests', files: ['spool/kill', 'spool/stop', 'forwarding/raw'], seconds: 25 },
  {
    name: 'exits of processes and threads',
    files: ['endings/', 'api/process', 'threads/processes', 'threads/worker-endings'],
    seconds: 40,
  },
];

const QUICK = ['unit/', 'parity/parity', 'exactness/one-day', 'spool/stop', 'api/health'];

module.exports = { QUICK, SHORT };
