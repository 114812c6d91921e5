/**
 * What the mongoose-based class would store, without a database: a model like its event model, the
 * last step before the driver replaced, and the document serialized with the driver's options.
 * That this equals what arrives in a real mongod was checked once for every value in `values.js`.
 *
 * `node __test__/unit/oracle.js` records the expectations that hold without mongoose.
 */
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const RECORDED = path.join(__dirname, 'expected.json');
const DRIVER_OPTIONS = { checkKeys: false, serializeFunctions: false, ignoreUndefined: false };

function load() {
  try {
    return { mongoose: require('mongoose'), bson: require('bson') };
  } catch {
    return null;
  }
}

const loaded = load();
let captured;

function createModel({ mongoose, bson }) {
  const { Schema } = mongoose;
  const fields = {
    userId: String,
    event: String,
    data: { type: Schema.Types.Mixed, default: {} },
  };
  const model = mongoose.model(
    'OracleEvent',
    new Schema(fields, { autoIndex: false, autoCreate: false }),
  );
  model.collection.insertOne = async (document) => {
    captured = bson.serialize(document, DRIVER_OPTIONS);
    return { acknowledged: true };
  };
  return model;
}

const model = loaded && createModel(loaded);

/** The BSON element `data` as hex, '' when it is not stored, or 'lost'. */
async function stored(value) {
  captured = undefined;
  try {
    await model.create({ userId: 'u', event: 'e', data: value === undefined ? {} : value });
  } catch {
    return 'lost';
  }
  return captured === undefined ? 'lost' : dataElement(captured);
}

function dataElement(bytes) {
  for (const element of loaded.bson.onDemand.parseToElements(bytes)) {
    const [, nameOffset, nameLength, offset, length] = element;
    const name = Buffer.from(bytes.subarray(nameOffset, nameOffset + nameLength)).toString();
    if (name === 'data') {
      return Buffer.from(bytes.subarray(nameOffset - 1, offset + length)).toString('hex');
    }
  }
  return '';
}

async function record() {
  const expected = {};
  for (const [name, create] of Object.entries(require('./values.js').values)) {
    expected[name] = await stored(create());
  }
  fs.writeFileSync(RECORDED, `${JSON.stringify(expected, null, 2)}\n`);
}

module.exports = {
  available: model !== null,
  mongoose: loaded?.mongoose,
  model,
  stored,
  recorded: () => JSON.parse(fs.readFileSync(RECORDED, 'utf8')),
};

if (require.main === module) record();
