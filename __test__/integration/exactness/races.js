// Makes writers race: a proxy holds their commands until all have come, then sends them at once.
'use strict';

/** Holds the first `count` commands for which `when(request)` holds until the last of them comes. */
function gather(proxy, count, when) {
  const rule = proxy.rule({
    when,
    times: count,
    fate() {
      if (rule.taken.length === count) for (const exchange of rule.taken) exchange.forward();
    },
  });
  return rule;
}

module.exports = { gather };
