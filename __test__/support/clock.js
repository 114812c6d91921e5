// A clock that stands still until it is moved. To be installed before anything else is required:
// mongoose keeps the Date it finds when it is loaded.
'use strict';

const RealDate = Date;

function installClock(start) {
  let now = RealDate.parse(start);

  class StandingDate extends RealDate {
    constructor(...args) {
      if (args.length === 0) super(now);
      else super(...args);
    }

    static now() {
      return now;
    }
  }
  // mongoose looks at the name of a constructor to see what a value is.
  Object.defineProperty(StandingDate, 'name', { value: 'Date' });
  globalThis.Date = StandingDate;

  return {
    set(moment) {
      now = RealDate.parse(moment);
    },
    advance(milliseconds) {
      now += milliseconds;
    },
  };
}

module.exports = { installClock };
