// Run as a detached child process: its stdin is held open by the process that started mongods.
// When that process is gone, however it died, the mongods it left are killed and their folders
// removed. Lines on stdin: `+ <pid> <folder>` and `- <pid> <folder>`.
'use strict';

const fs = require('node:fs');
const readline = require('node:readline');

const charges = new Map();

function take(line) {
  const [, sign, pid, folder] = /^([+-]) (\d+) (.+)$/.exec(line) || [];
  if (sign === '+') charges.set(folder, Number(pid));
  if (sign === '-') charges.delete(folder);
}

function endAll() {
  for (const [folder, pid] of charges) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone already
    }
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
readline.createInterface({ input: process.stdin }).on('line', take).on('close', endAll);
