// What the host program sees besides the database: exports, models, life cycle, console.
'use strict';

const CLOCK = '2036-03-14T10:00:00.000Z';

module.exports = [
  {
    name: 'the module is the class',
    async run(host) {
      const { AnalyticsSystem } = host;
      host.note('class', [typeof AnalyticsSystem, AnalyticsSystem.name]);
      host.attempt('without new', () => AnalyticsSystem());
      host.note('named export', AnalyticsSystem.AnalyticsSystem === AnalyticsSystem);
      host.note('default export', AnalyticsSystem.default === AnalyticsSystem);
      const system = host.create();
      host.note('instance', system instanceof AnalyticsSystem);
      const methods = ['start', 'stop', 'onLogin', 'onLogout', 'track', 'getMetrics'];
      methods.push('getLast30Days', 'flush', 'getHealth');
      host.note(
        'methods',
        methods.filter((name) => typeof system[name] === 'function'),
      );
    },
    differences: ['more exports and methods'],
  },
  {
    name: 'what the calls return',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      host.attempt('start', () => system.start());
      host.attempt('track', () => system.track('dungeon.complete', 'ann', { a: 1 }));
      for (const method of ['onLogin', 'onLogout', 'getMetrics', 'getLast30Days', 'stop']) {
        await host.attemptAsync(method, () => system[method]('ann'));
      }
    },
  },
  {
    name: 'start twice is one start',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      system.start();
      system.start();
      system.track('dungeon.complete', 'ann');
      await system.stop();
    },
    // It forgets its first interval, which then keeps the process alive for ever.
    referenceNeverEnds: true,
    differences: ['one start'],
  },
  {
    name: 'track works without start, and stop writes what was tracked',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      host.attempt('track', () => system.track('dungeon.complete', 'ann', { a: 1 }));
      await host.attemptAsync('stop', () => system.stop());
    },
  },
  {
    name: 'stop without start, and stop twice',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      await host.attemptAsync('stop', () => system.stop());
      await host.attemptAsync('again', () => system.stop());
    },
  },
  {
    name: 'start keeps the process alive until stop',
    connect: 'by itself',
    async run(host) {
      const system = host.create();
      system.start();
      // An unreferenced timer fires only if something else keeps the process alive.
      await new Promise((resolve) => {
        setTimeout(resolve, 250).unref();
      });
      host.note('still alive', true);
      await host.attemptAsync('stop', () => system.stop());
    },
  },
  {
    name: 'an instance that is never started does not keep the process alive',
    connect: 'by itself',
    async run(host) {
      host.create();
      let ended = false;
      process.once('beforeExit', () => {
        ended = true;
      });
      await new Promise((resolve) => {
        process.once('beforeExit', () => setImmediate(resolve));
      });
      host.note('came to its end', ended);
    },
  },
  {
    name: 'the host may use the models that the class registers',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      host.note(
        'names',
        ['GSOSession', 'GSODaily', 'GSOEvent'].map((name) => {
          return host.mongoose.model(name).collection.name;
        }),
      );
      await system.onLogin('ann', 'Ann');
      system.track('credits.earn', 'ann', { amount: 5 });
      await system.getMetrics();
      const lean = await host.mongoose.model('GSODaily').findOne({ day: '2036-03-14' }).lean();
      host.note('daily', lean);
      const session = await host.mongoose.model('GSOSession').findOne({ userId: 'ann' });
      host.note('session', session.toObject());
      await host.settle();
      const events = await host.mongoose.model('GSOEvent').find({ event: 'credits.earn' }).lean();
      host.note('events', events);
    },
  },
  {
    name: 'the host may write through the models that the class registers',
    clock: CLOCK,
    async run(host) {
      await host.mongoose
        .model('GSOSession')
        .create({ userId: 'x', day: '2036-03-14', month: '2036-03' });
      await host.mongoose.model('GSODaily').create({ day: '2036-03-01', month: '2036-03', dau: 3 });
      await host.mongoose
        .model('GSOEvent')
        .create({ event: 'manual', userId: 'x', day: '2036-03-14' });
      host.note('metrics', await host.create().getMetrics());
    },
  },
  {
    name: 'models of these names that the host made before are left alone',
    clock: CLOCK,
    load: 'by itself',
    async run(host) {
      const { Schema } = host.mongoose;
      const mine = new Schema({ day: String, month: String, own: String });
      const daily = host.mongoose.model('GSODaily', mine);
      host.load();
      host.note('same model', host.mongoose.model('GSODaily') === daily);
      host.note('paths', Object.keys(host.mongoose.model('GSODaily').schema.paths));
      host.note('others', Object.keys(host.mongoose.models).sort());
    },
  },
  {
    name: 'a subclass may override and extend',
    clock: CLOCK,
    async run(host) {
      class Tracker extends host.AnalyticsSystem {
        constructor() {
          super();
          this.prefix = 'dungeon';
          this.calls = [];
        }

        track(event, userId, data) {
          this.calls.push(event);
          return super.track(`${this.prefix}.${event}`, userId, data);
        }

        async getMetrics() {
          return { ...(await super.getMetrics()), extra: this.calls.length };
        }
      }
      const system = host.create(Tracker);
      system.start();
      host.note('instance of both', [
        system instanceof Tracker,
        system instanceof host.AnalyticsSystem,
        system.constructor.name,
      ]);
      host.attempt('track', () => system.track('complete', 'ann', { level: 3 }));
      await system.onLogin('ann', 'Ann');
      host.note('metrics', await system.getMetrics());
    },
  },
  {
    name: 'two instances print twice and work side by side',
    clock: CLOCK,
    async run(host) {
      const [first, second] = [host.create(), host.create()];
      first.start();
      second.start();
      first.track('shop.open', 'ann', { from: 'first' });
      second.track('shop.open', 'ann', { from: 'second' });
    },
  },
  {
    name: 'data that the host changes after the call is stored as it was',
    clock: CLOCK,
    async run(host) {
      const data = { amount: 5 };
      const system = host.create();
      system.track('credits.earn', 'ann', data);
      data.amount = 7;
      system.track('credits.earn', 'ann', data);
      host.note('credits', (await system.getMetrics()).today.creditsEarned);
    },
    differences: ['data changed after the call'],
  },
  {
    name: 'with the real clock ts and loginAt are the time of the call',
    async run(host) {
      const system = host.create();
      const before = new Date();
      system.track('shop.open', 'ann', { a: 1 });
      await system.onLogin('ann', 'Ann');
      await host.settle();
      const after = new Date();
      const event = await host.db.collection('gsoevents').findOne();
      const session = await host.db.collection('gsosessions').findOne();
      const between = (moment) => moment >= before && moment <= after;
      host.note('between', [between(event.ts), between(session.loginAt)]);
      host.note(
        'days',
        [event.day, session.day].every((day) => day === isoDay(event.ts)),
      );
      // The stored documents hold the real time: nothing that could be recorded.
      await system.stop();
      await host.db.dropDatabase();
    },
  },
];

function isoDay(moment) {
  return moment.toISOString().slice(0, 10);
}
