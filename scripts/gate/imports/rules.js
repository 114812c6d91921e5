// What imports have to keep to, in Rust and in JavaScript. Every rule answers lines of what breaks it.
'use strict';

const { cyclesOf } = require('./cycles');
const { javascriptGraph } = require('./javascript');
const { RustGraph } = require('./rust-graph');
const { withoutTexts } = require('./rust-source');

/** From top to bottom: a module may import from its own and from lower layers. */
const LAYERS = [
  ['addon'],
  ['pipeline'],
  ['reports'],
  // These may not import each other either.
  ['forward', 'spool', 'store'],
  ['instance'],
  ['config'],
  ['record'],
  ['util'],
];
/** Crates that only one folder of `src` may name. */
const CRATES = {
  napi: 'addon',
  napi_derive: 'addon',
  mongodb: 'store/mongo',
  hyper: 'forward/transport',
  hyper_util: 'forward/transport',
};
const MOST_PIPELINE_FILES = 12;
const WORKER = 'src/pipeline/worker.rs';
const WORKER_LINES = 250;

const layerOf = (file) => /^src\/(\w+)(?:\/|\.rs$)/.exec(file)?.[1];
const rankOf = (layer) => LAYERS.findIndex((layers) => layers.includes(layer));

function climbing(needs) {
  const found = needs.flatMap(({ from, to, path, line }) => {
    const [upper, lower] = [rankOf(layerOf(from)), rankOf(layerOf(to))];
    const isKnown = upper !== -1 && lower !== -1;
    if (!isKnown || layerOf(from) === layerOf(to) || upper < lower) return [];
    return { pair: `${from} ${layerOf(to)}`, line, from, to, path };
  });
  return found
    .filter(({ pair }, i) => found.findIndex((other) => other.pair === pair) === i)
    .map(({ from, line, to, path }) => {
      return `${from}:${line}: ${layerOf(from)} may not import ${layerOf(to)} (${path})`;
    });
}

function withoutLayer(files) {
  return [...files.keys()]
    .filter((file) => file !== 'src/lib.rs' && rankOf(layerOf(file)) === -1)
    .map((file) => `${file} is in no layer: ${LAYERS.flat().join(', ')}`);
}

function foreignCrates({ files }) {
  return files.flatMap(({ file, scopes, mentions }) => {
    const paths = [...scopes.flatMap((scope) => scope.uses), ...mentions];
    return Object.entries(CRATES).flatMap(([crate, folder]) => {
      if (file.startsWith(`src/${folder}/`)) return [];
      const named = paths.find(({ path }) => path[0] === crate);
      return named ? `${file}:${named.line}: the crate ${crate} belongs to src/${folder}` : [];
    });
  });
}

/** Test code may import from anywhere, and an import of a module counts where its parts are used. */
function rustCycles(needs) {
  const graph = new Map();
  for (const { from, to, line, path, isTest, isModule } of needs) {
    if (isTest || isModule) continue;
    if (!graph.has(from)) graph.set(from, new Map());
    if (!graph.get(from).has(to)) graph.get(from).set(to, `${line}: ${path}`);
  }
  return cyclesOf(graph).map((cycle) => {
    const steps = cycle
      .slice(1)
      .map((to, i) => `  ${cycle[i]}:${graph.get(cycle[i]).get(to)} → ${to}`);
    return `a cycle of imports:\n${steps.join('\n')}`;
  });
}

function sizes(files) {
  const inPipeline = [...files.keys()].filter((file) => /^src\/pipeline\/\w+\.rs$/.test(file));
  const lines = files.get(WORKER)?.trimEnd().split('\n').length ?? 0;
  return [
    inPipeline.length > MOST_PIPELINE_FILES &&
      `src/pipeline holds ${inPipeline.length} files, at most ${MOST_PIPELINE_FILES} are allowed`,
    lines >= WORKER_LINES && `${WORKER} has ${lines} lines, it must have less than ${WORKER_LINES}`,
  ].filter(Boolean);
}

function clocks(files) {
  const readers = [...files.keys()].filter((file) =>
    /\bSystemTime\s*::\s*now\b/.test(withoutTexts(files.get(file))),
  );
  if (readers.length < 2) return [];
  return [
    `SystemTime::now is called in ${readers.length} files, not in one: ${readers.join(', ')}`,
  ];
}

/** `files`: a `Map` of the paths of `src` to their texts. */
function rustProblems(files) {
  const graph = new RustGraph(files);
  const needs = graph.needs();
  return [
    ...withoutLayer(files),
    ...climbing(needs),
    ...foreignCrates(graph),
    ...rustCycles(needs),
    ...sizes(files),
    ...clocks(files),
  ];
}

/** `files`: a `Map` of the paths of JavaScript files to their texts. */
function javascriptProblems(files) {
  const graph = javascriptGraph(files);
  const cycles = cyclesOf(graph).map((cycle) => `a cycle of imports: ${cycle.join(' → ')}`);
  const upward = [...graph].flatMap(([from, needed]) =>
    [...needed.keys()]
      .filter((to) => from.startsWith('scripts/') && !/^(?:scripts|lib)\//.test(to))
      .map((to) => `${from}: scripts may not import ${to}`),
  );
  return [...cycles, ...upward];
}

module.exports = { javascriptProblems, rustProblems };
