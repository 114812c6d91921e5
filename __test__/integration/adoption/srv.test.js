// A host whose connection string names an SRV record: what is read from its driver before and after
// that has looked the record up.
//
// The Rust driver asks the name servers of the machine, which know nothing of the records here, so
// records are tracked over such a connection only where the machine itself resolves names below
// `.localhost`: there the hosts that mongoose has found can be reached.
'use strict';

const assert = require('node:assert');
const dns = require('node:dns/promises');
const { after, before, describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');
const { startDnsServer } = require('../../support/dns-server');
const { waitFor } = require('../../support/wait');
const { VERSIONS, assertStored } = require('./setup');

const mongo = useMongod({ replSet: 1, auth: true });
/** Names below it may be resolved by a machine without any name server. */
const DOMAIN = 'game.localhost';
const CLUSTER = `cluster.${DOMAIN}`;
/** With two hosts and nothing else. */
const PLAIN = `plain.${DOMAIN}`;

let names;

const records = () => {
  const target = (node) => ({ port: mongo.server.port, target: `${node}.${DOMAIN}`, priority: 0 });
  const srv = (service, name, node) => ({
    type: 'SRV',
    name: `_${service}._tcp.${name}`,
    data: target(node),
  });
  return [
    srv('mongodb', CLUSTER, 'node0'),
    { type: 'TXT', name: CLUSTER, data: 'authSource=admin&replicaSet=gso' },
    srv('game', CLUSTER, 'node1'),
    srv('mongodb', PLAIN, 'node0'),
    srv('mongodb', PLAIN, 'node1'),
  ];
};

before(async () => {
  const running = () => mongo.server !== undefined;
  await waitFor(running, { timeoutMs: 60_000, what: 'the server' });
  names = await startDnsServer(records());
});
after(() => names.close());

/**
 * Runs in the host's process: what is read of its connection as soon as it connects, and when it is
 * connected or has failed.
 */
async function describeTwice(given, report) {
  require('node:dns').setServers([given.names]);
  const mongoose = require(given.mongoose);
  const { describe, unadoptable } = require('./lib/mongoose/settings.js');
  const { loadBinary } = require('./lib/loader.js');
  // The test itself looks names up in its own way.
  const harmless = new Set([...loadBinary().harmlessOptions(), 'lookup']);
  const lookup = (_name, { all }, answer) =>
    all ? answer(null, [{ address: '127.0.0.1', family: 4 }]) : answer(null, '127.0.0.1', 4);
  const waits = { serverSelectionTimeoutMS: given.isRefused ? 500 : 10_000 };
  const connecting = mongoose.connect(given.uri, { lookup, ...waits, ...given.options });
  const state = () => JSON.parse(JSON.stringify(describe(mongoose.connection)));
  const first = state();
  const refusal = await connecting.then(
    () => null,
    (error) => error.name,
  );
  const named = unadoptable(mongoose.connection, harmless);
  report({ first, later: state(), unadoptable: named, refusal });
  await mongoose.disconnect();
}

async function described(
  query,
  { host = CLUSTER, user = '', version = 'mongoose', ...given } = {},
) {
  const uri = `mongodb+srv://${user}${host}/games?${query}`;
  const all = { mongoose: version, names: names.address, uri, ...given };
  return (await runProgram(describeTwice, { given: all })).result;
}

const nodes = (...found) => found.map((node) => `${node}.${DOMAIN}:${mongo.server.port}`);

describe('a host with mongodb+srv', { concurrency: 3 }, () => {
  for (const version of VERSIONS) {
    it(`${version}: its record is known at once, hosts and options of TXT when resolved`, async () => {
      const { first, later, ...end } = await described('tls=false', {
        version,
        user: 'root:root@',
      });
      assert.deepStrictEqual(end, { unadoptable: [], refusal: null });
      const { hosts: before, ...early } = first;
      assert.deepStrictEqual(before, []);
      const always = { srvHost: CLUSTER, username: 'root', password: 'root', database: 'games' };
      for (const [name, value] of Object.entries(always)) {
        assert.strictEqual(early[name], value, name);
        assert.strictEqual(later[name], value, name);
      }
      assert.deepStrictEqual(later.hosts, nodes('node0'));
      assert.deepStrictEqual([later.authSource, later.replicaSet], ['admin', 'gso']);
      assert.deepStrictEqual([first.tls, later.tls], [undefined, undefined]);
    });
  }

  it('options of its URI go before those of the TXT record', async () => {
    const query = 'tls=false&authSource=elsewhere&replicaSet=other';
    const { later } = await described(query, { user: 'root:root@', isRefused: true });
    assert.deepStrictEqual([later.authSource, later.replicaSet], ['elsewhere', 'other']);
  });

  it('TLS is on where nothing is said about it', async () => {
    const { first, later, refusal } = await described('', { isRefused: true });
    assert.match(refusal, /Selection/);
    for (const { tls } of [first, later]) assert.strictEqual(tls.allowInvalidCertificates, false);
  });

  it('srvServiceName and srvMaxHosts are kept', async () => {
    const { first, later } = await described('tls=false&srvServiceName=game', { isRefused: true });
    assert.deepStrictEqual([first.srvServiceName, later.srvServiceName], ['game', 'game']);
    assert.deepStrictEqual(later.hosts, nodes('node1'));

    const options = { srvMaxHosts: 1 };
    const limited = await described('tls=false', { host: PLAIN, options });
    assert.strictEqual(limited.first.srvMaxHosts, 1);
    assert.strictEqual(limited.later.srvMaxHosts, 1);
  });

  it('all hosts of the record are known', async () => {
    const { later } = await described('tls=false', { host: PLAIN });
    assert.deepStrictEqual(later.hosts.sort(), nodes('node0', 'node1'));
    assert.strictEqual(later.replicaSet, undefined);
  });
});

/**
 * Runs in the host's process: what is adopted first, however early it is looked for, and whether
 * connecting again to the same record is taken for another place.
 */
async function adoptEarly(given, report) {
  require('node:dns').setServers([given.names]);
  const mongoose = require(given.mongoose);
  const { HostConnection } = require('./lib/mongoose/connection.js');
  const lookup = (_name, { all }, answer) =>
    all ? answer(null, [{ address: '127.0.0.1', family: 4 }]) : answer(null, '127.0.0.1', 4);
  const host = new HostConnection({}, () => {});
  const find = () => {
    const { connection, outlook } = host.find();
    if (connection === undefined && outlook === 'connecting')
      return new Promise(setImmediate).then(find);
    return connection;
  };
  const connected = mongoose.connect(given.uri, { lookup });
  const adopted = await find();
  await connected;
  const moves = [host.switched()];
  await mongoose.disconnect();
  const again = mongoose.connect(given.uri, { lookup });
  moves.push(host.switched());
  await again;
  moves.push(host.switched());
  await mongoose.disconnect();
  report({ adopted, moves });
}

describe('a host that connects to an SRV record', { concurrency: 2 }, () => {
  for (const version of VERSIONS) {
    it(`${version}: is adopted with what its TXT record says, and not moved by it`, async () => {
      const uri = `mongodb+srv://root:root@${CLUSTER}/games?tls=false`;
      const given = { mongoose: version, names: names.address, uri };
      const { adopted, moves } = (await runProgram(adoptEarly, { given })).result;
      assert.deepStrictEqual([adopted.authSource, adopted.replicaSet], ['admin', 'gso']);
      assert.deepStrictEqual([adopted.srvHost, adopted.hosts], [CLUSTER, nodes('node0')]);
      assert.deepStrictEqual(moves, [null, null, null], 'the same place all the time');
    });
  }
});

/** Runs in the host's process. */
async function trackOverSrv(given, report) {
  require('node:dns').setServers([given.names]);
  const mongoose = require('mongoose');
  const AnalyticsSystem = require('.');
  await mongoose.connect(given.uri);
  const analytics = new AnalyticsSystem();
  analytics.start();
  await analytics.onLogin('player', 'name');
  analytics.track('dungeon.complete', 'player', { floor: 3 });
  await analytics.onLogout('player');
  const { dau } = await analytics.getMetrics();
  await analytics.stop();
  await mongoose.disconnect();
  report(dau);
}

describe('records of such a host', () => {
  it('are stored, over the hosts that mongoose has found', async (context) => {
    const name = `node0.${DOMAIN}`;
    const { address } = await dns.lookup(name, { family: 4 }).catch(() => ({}));
    if (!/^127\./.test(address)) return context.skip(`this machine does not resolve ${name}`);
    const database = mongo.database();
    const uri = `mongodb+srv://root:root@${CLUSTER}/${database.name}?tls=false`;
    const { result } = await runProgram(trackOverSrv, { given: { names: names.address, uri } });
    assert.strictEqual(result, 1);
    await assertStored(database);
  });
});
