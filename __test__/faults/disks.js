// Small disks that can be filled, made read-only and emptied; where mounting is not allowed, files that
// may not grow.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const MIB = 2 ** 20;

function run(program, args) {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

class SmallDisk {
  constructor(folder) {
    this.folder = folder;
    this.filler = path.join(folder, 'filler');
  }

  /** Leaves so many bytes free. */
  fill(left = 0) {
    const { bavail, bsize } = fs.statfsSync(this.folder);
    const file = fs.openSync(this.filler, 'a');
    const block = Buffer.alloc(MIB);
    try {
      for (let rest = bavail * bsize - left; rest > 0; rest -= block.length) {
        fs.writeSync(file, block, 0, Math.min(rest, block.length));
      }
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    } finally {
      fs.closeSync(file);
    }
  }

  empty() {
    fs.rmSync(this.filler, { force: true });
  }

  remount(how) {
    run('mount', ['-o', `remount,${how}`, this.folder]);
  }
}

/** A small disk in memory. Where mounting is not allowed, undefined, and a message says so. */
function mountSmallDisk(context, { bytes, name = 'disk' }) {
  const folder = context.folder(name);
  try {
    run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  } catch (error) {
    context.say(`no small disk can be mounted here: ${error.message.trim()}`);
    return undefined;
  }
  context.onEnd(() => run('umount', ['-l', folder]));
  return new SmallDisk(folder);
}

module.exports = { mountSmallDisk };
