// Run as a process of its own: takes whatever is posted, answers 200, counts the events. Prints its
// address; `GET /count` answers how many came since it was asked last.
'use strict';

const http = require('node:http');
const zlib = require('node:zlib');

/** What each event has once, by the path it is posted to. */
const MARKS = {
  '/hook': '"ts":',
  '/v1/batch': '"messageId":',
  '/batch/': '"uuid":',
  '/import': '"$insert_id":',
  // Of Mixpanel's own client, which gives events no id.
  '/track': '"distinct_id":',
  '/batch': '"insert_id":',
  '/2/httpapi': '"insert_id":',
  '/v2/key/events': '"event_uuid":',
};
/** What the clients of Amplitude and Mixpanel wait for, by path; the others take any answer. */
const ANSWERS = { '/2/httpapi': '{"code":200}', '/track': '1' };

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
    const headers = { 'Content-Type': 'application/json' };
    response.writeHead(200, headers).end(ANSWERS[request.url.split('?')[0]] ?? '{}');
  });
});

function eventsIn({ url, headers }, body) {
  const path = url.split('?')[0];
  const unpacked = headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(body) : body;
  // A form with one field, in Base64.
  const isForm = path === '/track';
  const plain = isForm
    ? Buffer.from(unpacked.toString().slice('data='.length), 'base64')
    : unpacked;
  const mark = MARKS[path];
  let events = 0;
  for (let at = plain.indexOf(mark); at >= 0; at = plain.indexOf(mark, at + 1)) events += 1;
  return events;
}

server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
});
