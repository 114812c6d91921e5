// An HTTP receiver on a free loopback port: keeps every request as it came, answers as the test says.
'use strict';

const http = require('node:http');
const { waitFor } = require('./wait');

/**
 * `{ url, requests, answerWith(status, headers), hang(), waitForRequests(n), close() }`.
 * A request is `{ method, path, headers, rawHeaders, body (Buffer), text }`.
 */
async function startWebhook({ status = 200 } = {}) {
  const requests = [];
  let answer = { status, headers: {} };
  const server = http.createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // the sender went away half-way: that is not a request
    }
    requests.push(recorded(request, Buffer.concat(chunks)));
    if (answer === 'hang') return;
    response.writeHead(answer.status, answer.headers).end();
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/hook`,
    requests,
    answerWith(newStatus, headers = {}) {
      answer = { status: newStatus, headers };
    },
    hang() {
      answer = 'hang';
    },
    waitForRequests(count, timeoutMs = 10_000) {
      const what = () => `${count} webhook requests (${requests.length} came)`;
      return waitFor(() => requests.length >= count, { timeoutMs, what: what() });
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function recorded({ method, url, headers, rawHeaders }, body) {
  return { method, path: url, headers, rawHeaders, body, text: body.toString('utf8') };
}

module.exports = { startWebhook };
