// Which class the suite runs against: GSO_ANALYTICS_IMPL is `addon` (the default) or the path of
// a module that exports the mongoose-based class.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..');

/** `{ kind: 'addon' | 'reference', file, remove() }` */
function chosenImplementation(choice = process.env.GSO_ANALYTICS_IMPL || 'addon') {
  if (choice === 'addon') return { kind: 'addon', file: ROOT, remove() {} };
  const source = path.resolve(choice);
  if (!fs.existsSync(source)) throw new Error(`GSO_ANALYTICS_IMPL: ${source} does not exist`);
  return { kind: 'reference', ...besideOurPackages(source) };
}

/** The class finds `mongoose` and `node-fetch` by looking upwards from its own file (`import()`
 *  heeds no NODE_PATH), so a temporary copy is put beside a link to this repository's packages. */
function besideOurPackages(source) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-parity-'));
  const file = path.join(folder, path.basename(source));
  fs.copyFileSync(source, file);
  fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  const remove = () => fs.rmSync(folder, { recursive: true, force: true });
  return { file, remove };
}

module.exports = { chosenImplementation };
