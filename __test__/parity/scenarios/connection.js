// Whose database is written to, and when the host may connect.
'use strict';

const CLOCK = '2036-03-14T10:00:00.000Z';

async function play(system) {
  system.track('dungeon.complete', 'ann', { a: 1 });
  await system.onLogin('ann', 'Ann');
}

module.exports = [
  {
    name: 'a host that connects before it loads the class',
    clock: CLOCK,
    async run(host) {
      await play(host.create());
    },
  },
  {
    name: 'a host that loads the class and connects without waiting',
    clock: CLOCK,
    connect: 'by itself',
    async run(host) {
      const system = host.create();
      const connected = host.connect();
      await play(system);
      await connected;
    },
  },
  {
    name: 'a host that constructs and tracks, and only then begins to connect',
    clock: CLOCK,
    connect: 'by itself',
    async run(host) {
      const system = host.create();
      system.start();
      system.track('dungeon.complete', 'ann', { a: 1 });
      const login = system.onLogin('ann', 'Ann');
      await host.connect();
      await login;
      host.note('metrics', await system.getMetrics());
    },
  },
  {
    name: 'a host that connects three seconds after the first track',
    clock: CLOCK,
    connect: 'by itself',
    async run(host) {
      const system = host.create();
      system.start();
      system.track('dungeon.complete', 'ann', { a: 1 });
      system.track('credits.earn', 'ann', { amount: 5 });
      const login = system.onLogin('ann', 'Ann');
      // The three seconds are what this scenario is about.
      await new Promise((resolve) => {
        setTimeout(resolve, 3_000);
      });
      await host.connect();
      await login;
      host.note('metrics', await system.getMetrics());
    },
  },
  {
    name: 'the option dbName wins over the path of the URI',
    clock: CLOCK,
    connect: 'by itself',
    async run(host) {
      const elsewhere = host.uri.replace(host.dbName, `${host.dbName}_path`);
      await host.connect(elsewhere, { dbName: host.dbName });
      await play(host.create());
      await host.settle();
      const { databases } = await host.db.admin().listDatabases({ nameOnly: true });
      host.note(
        'the other exists',
        databases.some(({ name }) => name === `${host.dbName}_path`),
      );
    },
  },
];
