// Run as a process of its own: takes whatever is posted, answers 200, counts the events. Prints its
// address; `GET /count` answers how many came since it was asked last.
'use strict';

const http = require('node:http');
const zlib = require('node:zlib');

/** What each event has once, by the path it is posted to. */
const MARKS = { '/hook': '"ts":', '/v1/batch': '"messageId":', '/batch/': '"uuid":' };

let count = 0;

const server = http.createServer((request, response) => {
  if (request.method === 'GET') {
    response.end(String(count));
    count = 0;
    return;
  }
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    count += eventsIn(request, Buffer.concat(chunks));
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  });
});

function eventsIn({ url, headers }, body) {
  const plain = headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(body) : body;
  const mark = MARKS[url.split('?')[0]];
  let events = 0;
  for (let at = plain.indexOf(mark); at >= 0; at = plain.indexOf(mark, at + 1)) events += 1;
  return events;
}

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
});
