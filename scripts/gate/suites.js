// Which JavaScript tests `npm test` runs, by the question that they answer; `npm run test:full` runs the
// others. Each has parts of the names of its files.
'use strict';

const SHORT = [
  { name: 'test values and their encoding', files: ['unit/', 'support/'], seconds: 15 },
  {
    name: 'compare with the recorded results of the replaced class',
    files: ['parity/'],
    seconds: 30,
  },
  {
    name: 'test the API',
    files: [
      ...[
        'api/bad-input',
        'api/erasing',
        'api/flush',
        'api/health',
        'api/lifecycle',
        'api/options',
      ],
      ...['api/logouts', 'api/totals', 'api/webhook', 'hosts/detection', 'adoption/database-name'],
    ],
    seconds: 45,
  },
  {
    name: 'test that every record counts once',
    files: ['exactness/one-day', 'exactness/lost-replies', 'faults/oracle'],
    seconds: 30,
  },
  { name: 'test the spool', files: ['spool/kill', 'spool/stop', 'forwarding/raw'], seconds: 25 },
  {
    name: 'test how processes and threads end',
    files: ['endings/', 'api/process', 'threads/processes', 'threads/worker-endings'],
    seconds: 40,
  },
];

const QUICK = ['unit/', 'parity/parity', 'exactness/one-day', 'spool/stop', 'api/health'];

module.exports = { QUICK, SHORT };
