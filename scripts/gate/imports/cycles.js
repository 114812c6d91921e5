// Cycles of a directed graph: a `Map` of nodes to `Map`s of the nodes they need.
'use strict';

/** The shortest way from `start` back to it, as `[start, …, start]`; undefined if there is none. */
function cycleThrough(graph, start) {
  const from = new Map();
  const queue = [start];
  for (const node of queue) {
    for (const next of graph.get(node)?.keys() ?? []) {
      if (next === start) return [...wayTo(node, from, start), start];
      if (from.has(next)) continue;
      from.set(next, node);
      queue.push(next);
    }
  }
}

function wayTo(node, from, start) {
  const way = [node];
  while (way[0] !== start) way.unshift(from.get(way[0]));
  return way;
}

/** A shortest cycle for every node that is in one, each cycle once. */
function cyclesOf(graph) {
  const found = new Map();
  for (const node of graph.keys()) {
    const cycle = cycleThrough(graph, node);
    const nodes = cycle && [...new Set(cycle)].sort().join(' ');
    if (cycle && !found.has(nodes)) found.set(nodes, cycle);
  }
  return [...found.values()].sort((a, b) => a.length - b.length);
}

module.exports = { cyclesOf };
