// C libraries of other platforms: packages of Debian, unpacked into a folder of the cache. Nothing is
// installed, and the lists and settings of this system are left alone.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { cached } = require('./cached');
const { run } = require('../lib/steps');

/** The first release whose musl runs the Node of nodes.js. */
const RELEASE = 'trixie';
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
const MIRROR = 'http://deb.debian.org/debian';

/** Arguments of apt-get by which it keeps to `folder`. */
function within(folder, architecture) {
  const at = (name) => path.join(folder, name);
  for (const name of ['lists/partial', 'archives/partial', 'none']) {
    fs.mkdirSync(at(name), { recursive: true });
  }
  fs.writeFileSync(at('status'), '');
  fs.writeFileSync(at('sources.list'), `deb [signed-by=${KEYS}] ${MIRROR} ${RELEASE} main\n`);
  const settings = {
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Dir::Cache': folder,
    'Dir::Etc::main': '/dev/null',
    'Dir::Etc::parts': at('none'),
    'Dir::Etc::sourcelist': at('sources.list'),
    'Dir::Etc::sourceparts': at('none'),
    'Dir::State': folder,
    'Dir::State::status': at('status'),
  };
  const options = Object.entries(settings).map(([name, value]) => `--option=${name}=${value}`);
  return ['--quiet=2', ...options];
}

/** A folder like the root of a system of that architecture which has these packages. */
function sysroot(architecture, packages) {
  const wanted = `${packages.join(', ')} of Debian ${RELEASE} for ${architecture}`;
  return cached(`sysroot-${architecture}-${packages[0]}`, wanted, async (folder) => {
    const apt = path.join(folder, 'apt');
    const args = within(apt, architecture);
    await run('apt-get', [...args, 'update']);
    await run('apt-get', [...args, 'download', ...packages], { cwd: apt });
    for (const name of fs.readdirSync(apt).filter((one) => one.endsWith('.deb'))) {
      await run('dpkg-deb', ['--extract', path.join(apt, name), folder]);
    }
    fs.rmSync(apt, { recursive: true });
    // As on an installed system, where programs look for their loader.
    fs.symlinkSync('usr/lib', path.join(folder, 'lib'));
  });
}

module.exports = { KEYS, sysroot };
