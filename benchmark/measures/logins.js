// Logins: many at once, then one after the other.
'use strict';

const { percentile } = require('../statistics');

const ALONE = 300;

async function run(peer, { logins }) {
  await peer.login('first', 'name');
  const began = performance.now();
  const all = Array.from({ length: logins }, (_, i) => peer.login(`user${i}`, `name${i}`));
  await Promise.all(all);
  const perSecond = logins / ((performance.now() - began) / 1000);
  const alone = [];
  for (let i = 0; i < ALONE; i += 1) {
    const before = performance.now();
    await peer.login(`lone${i}`, 'name');
    alone.push(performance.now() - before);
  }
  return { perSecond, aloneP50Ms: percentile(alone, 50), aloneP99Ms: percentile(alone, 99) };
}

module.exports = { run };
