// What it costs to forward events to one local receiver, one by one and in batches, beside the clients of
// the services. This package stores them in MongoDB as well.
'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { throughput } = require('./rounds');

const RECEIVER = path.join(__dirname, 'receiver.js');
const BATCHED_EVENTS = 100_000;
/** A request each. */
const RAW_EVENTS = 20_000;
const TRYING_EVENTS = 20_000;
/** Events that wait before a client sends; the first is about what they do by default. */
const FLUSH_AT = [20, 100, 1_000];
const WARM_UP = 2_000;
/** Clients with a queue of their own. That of Mixpanel has none, and sends at most 50 events in a request. */
const QUEUING = ['segment', 'posthog', 'amplitude'];

/** `{ flushAt: { segment, posthog, amplitude }, sides: { side: [result of each round…] } }` */
async function playForwarding(bench, { rounds, scale = 1 }) {
  const receiver = await startReceiver(bench.node);
  try {
    const flushAt = {};
    for (const peer of QUEUING) {
      flushAt[peer] = await fastest(bench, receiver, peer, scale * TRYING_EVENTS);
    }
    const sides = {};
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, side] of Object.entries(sidesOf(receiver, flushAt, scale))) {
        const { events, ...task } = side;
        sides[name] ??= [];
        sides[name].push(await measured(bench, receiver, task, events));
      }
    }
    return { rounds, flushAt, sides };
  } finally {
    receiver.stop();
  }
}

function sidesOf({ url }, flushAt, scale) {
  const addon = (format, fields) => ({ peer: 'forwarding', destination: { format, ...fields } });
  const [events, rawEvents] = [scale * BATCHED_EVENTS, scale * RAW_EVENTS];
  return {
    addonRaw: { events: rawEvents, ...addon('raw', { url: `${url}/hook` }) },
    addonSegment: { events, ...addon('segment', { url, writeKey: 'key' }) },
    segment: { events, peer: 'segment', flushAt: flushAt.segment },
    addonPosthog: { events, ...addon('posthog', { url, apiKey: 'key' }) },
    posthog: { events, peer: 'posthog', flushAt: flushAt.posthog },
    addonMixpanel: { events, ...addon('mixpanel', { url, token: 'token' }) },
    mixpanel: { events, peer: 'mixpanel' },
    addonAmplitude: { events, ...addon('amplitude', { url, apiKey: 'key' }) },
    amplitude: { events, peer: 'amplitude', flushAt: flushAt.amplitude },
    // Its own client does not load in Node.js.
    addonGameAnalytics: {
      events,
      ...addon('gameanalytics', { url, gameKey: 'key', secretKey: 'secret' }),
    },
  };
}

async function fastest(bench, receiver, peer, events) {
  const tried = [];
  for (const flushAt of FLUSH_AT) {
    const { perSecond } = await measured(bench, receiver, { peer, flushAt }, events);
    tried.push({ flushAt, perSecond });
  }
  return tried.toSorted((a, b) => b.perSecond - a.perSecond)[0].flushAt;
}

/** Fails unless the receiver got every event once. */
async function measured(bench, receiver, task, events) {
  await receiver.count();
  const result = await throughput(bench, { ...task, receiver: receiver.url }, events);
  const arrived = await receiver.count();
  const sent = events + Math.min(events / 10, WARM_UP);
  if (arrived !== sent) throw new Error(`${task.peer}: ${arrived} of ${sent} events arrived`);
  return result;
}

async function startReceiver(node) {
  const child = spawn(node, [RECEIVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
  const url = line.trim();
  return {
    url,
    count: async () => Number(await (await fetch(`${url}/count`)).text()),
    stop: () => child.kill(),
  };
}

module.exports = { playForwarding };
