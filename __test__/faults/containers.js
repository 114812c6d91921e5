// The limits of a container on its processes: control groups, of version 1 or 2.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const ROOT = '/sys/fs/cgroup';
const LIMITS = {
  pids: { any: 'pids.max' },
  memory: { 1: 'memory.limit_in_bytes', 2: 'memory.max' },
};
const KILLS = { 1: 'memory.oom_control', 2: 'memory.events' };
/** Swap is limited too: memory beyond the limit is not moved there. */
const SWAP = { 1: ['memory.memsw.limit_in_bytes'], 2: ['memory.swap.max', 0] };

let made = 0;

class Container {
  constructor(controller, version) {
    made += 1;
    const parent = version === 1 ? path.join(ROOT, controller) : ROOT;
    if (version === 2)
      fs.writeFileSync(path.join(parent, 'cgroup.subtree_control'), `+${controller}`);
    this.folder = path.join(parent, `gso-faults-${process.pid}-${made}`);
    this.limitFile = LIMITS[controller].any ?? LIMITS[controller][version];
    this.version = version;
    fs.mkdirSync(this.folder);
  }

  /** The process and what it starts from now on are limited. */
  take(pid) {
    this.#write('cgroup.procs', pid);
  }

  limit(value) {
    this.#write(this.limitFile, value);
  }

  limitMemory(bytes) {
    this.limit(bytes);
    const [file, swap = bytes] = SWAP[this.version];
    if (fs.existsSync(path.join(this.folder, file))) this.#write(file, swap);
  }

  /** How many threads there are. */
  get threads() {
    return Number(this.#read('pids.current'));
  }

  /** How many processes the system has killed for their memory. */
  get killed() {
    return Number(/^oom_kill (\d+)$/m.exec(this.#read(KILLS[this.version]))[1]);
  }

  remove() {
    fs.rmdirSync(this.folder);
  }

  #read(file) {
    return fs.readFileSync(path.join(this.folder, file), 'utf8');
  }

  #write(file, value) {
    fs.writeFileSync(path.join(this.folder, file), String(value));
  }
}

/** Where control groups cannot be made: says so, and answers nothing. */
function makeContainer(context, controller) {
  const version = fs.existsSync(path.join(ROOT, 'cgroup.controllers')) ? 2 : 1;
  try {
    const container = new Container(controller, version);
    context.onEnd(() => container.remove());
    return container;
  } catch (error) {
    context.say(`no limit of ${controller} can be set here: ${error.message}`);
    return undefined;
  }
}

/** The row of the table where no container can be made. */
function notPlayed(controller) {
  return { problems: [], note: `not played: no limit of ${controller} can be set here` };
}

module.exports = { makeContainer, notPlayed };
