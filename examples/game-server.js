// A game server as its developers write it. It uses analytics by one `require`, `start()`, a call
// where something happens, and `stop()` at the end. The database is the one of its mongoose.
'use strict';

const http = require('node:http');
const mongoose = require('mongoose');
const AnalyticsSystem = require('gso-analytics');

const analytics = new AnalyticsSystem();

// Awaited: when the player is in, the session is in the database. Neither promise rejects, and both
// resolve within seconds when the database is unavailable, so nobody is locked out.
const login = (account) => analytics.onLogin(account._id, account.name);
const logout = (account) => analytics.onLogout(account._id);

// `track()` returns at once and never throws for its arguments, so the game never waits for it.
function registered(account, referrer) {
  analytics.track('user.register', account._id, { referrer });
}

function dungeonCleared(account, { dungeon, seconds, credits }) {
  analytics.track('dungeon.complete', account._id, { dungeon, seconds });
  analytics.track('credits.earn', account._id, { amount: credits, source: dungeon });
}

function itemCrafted(account, { recipe, credits }) {
  analytics.track('credits.spend', account._id, { amount: credits, on: recipe });
  analytics.track('craft.complete', account._id, { recipe });
}

function duelFought(account, { opponent, won, ranked }) {
  const event = ranked ? 'pvp.ranked.battle' : 'pvp.battle';
  analytics.track(event, account._id, { opponent: opponent._id, won });
}

function raidFinished(account, { boss, party, gems }) {
  analytics.track('raid.complete', account._id, { boss, party });
  analytics.track('gems.earn', account._id, { amount: gems, source: boss });
}

function itemSold(account, { item, credits }) {
  analytics.track('market.sale', account._id, { item, price: credits });
  analytics.track('credits.earn', account._id, { amount: credits, source: 'market' });
}

function gemsSpent(account, { on, gems }) {
  analytics.track('gems.spend', account._id, { amount: gems, on });
}

function gemsBought(account, { gems, cents, currency }) {
  analytics.track('stripe.payment', account._id, { amountCents: cents, currency });
  analytics.track('gems.purchase', account._id, { gems, cents });
}

/** This event adds to no daily total: it is stored, and forwarded if there is a destination. */
function guildJoined(account, guild) {
  analytics.track('guild.join', account._id, { guild });
}

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

async function answer(request, response) {
  if (request.url !== '/metrics') {
    response.writeHead(404).end();
    return;
  }
  try {
    // Prometheus says what it takes; everybody else gets JSON.
    if (request.headers.accept?.includes('application/openmetrics-text')) {
      const text = await analytics.getOpenMetrics();
      response.writeHead(200, { 'content-type': OPEN_METRICS }).end(text);
      return;
    }
    const metrics = await analytics.getMetrics();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metrics));
  } catch (error) {
    // For example ANALYTICS_TIMEOUT, when the database is unavailable.
    const problem = { code: error.code, message: error.message };
    response.writeHead(503, { 'content-type': 'application/json' }).end(JSON.stringify(problem));
  }
}

const web = http.createServer(answer);

/** Port 0 takes any free port; resolves with the port in use. */
async function start({ mongodbUri, port = 0 }) {
  await mongoose.connect(mongodbUri);
  analytics.start();
  await new Promise((resolve, reject) => {
    web.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return web.address().port;
}

async function stop() {
  web.closeAllConnections();
  await new Promise((resolve) => web.close(resolve));
  await analytics.stop(); // writes what is left
  await mongoose.disconnect();
}

// An orchestrator sends SIGTERM before it kills. Without this handler Node.js ends at once, and records
// that are not written yet are lost.
process.once('SIGTERM', () => analytics.stop().finally(() => process.exit()));

module.exports = {
  ...{ analytics, start, stop, login, logout, registered, dungeonCleared, itemCrafted },
  ...{ duelFought, raidFinished, itemSold, gemsSpent, gemsBought, guildJoined },
};
