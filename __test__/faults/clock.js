// A clock that stands still within a turn, so that a record has the time that its writer saw, and leaps
// when it is told to. To be installed before anything else is required.
'use strict';

function install() {
  const RealDate = Date;
  const systemMs = RealDate.now.bind(RealDate);
  let ahead = 0;
  let now = systemMs();

  class LeapingDate extends RealDate {
    constructor(...args) {
      if (args.length === 0) super(now);
      else super(...args);
    }

    static now() {
      return now;
    }
  }
  // mongoose looks at the name of a constructor to see what a value is.
  Object.defineProperty(LeapingDate, 'name', { value: 'Date' });
  globalThis.Date = LeapingDate;
  return {
    systemMs,
    tick() {
      now = systemMs() + ahead;
    },
    restore() {
      globalThis.Date = RealDate;
    },
    leap(ms) {
      ahead += ms;
      now += ms;
    },
  };
}

module.exports = { install };
