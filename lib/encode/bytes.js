/**
 * Buffers whose methods are those of the start of the process.
 *
 * A host's tests may patch `Buffer.prototype` or `DataView.prototype` at any time. A frame that patched
 * methods have written has a wrong length, which would spoil the frames behind it.
 */
'use strict';

/** @type {(prototype: object, names: string[]) => PropertyDescriptorMap} */
const methodsOf = (prototype, names) =>
  Object.fromEntries(
    names
      .filter((name) => name in prototype)
      .map((name) => [name, { value: /** @type {any} */ (prototype)[name] }]),
  );

// `write` of older versions of Node calls `utf8Write`.
const METHODS = ['copy', 'set', 'subarray', 'utf8Write', 'write'];
const OwnBuffer = Object.create(Buffer.prototype, methodsOf(Buffer.prototype, METHODS));
const OwnView = Object.create(
  DataView.prototype,
  methodsOf(DataView.prototype, ['setFloat64', 'setInt32', 'setUint32']),
);
const { allocUnsafeSlow, byteLength } = Buffer;
const { setPrototypeOf } = Object;

/** @type {(size: number) => Buffer} */
const allocate = (size) => setPrototypeOf(allocUnsafeSlow(size), OwnBuffer);

/** @type {(bytes: Buffer) => DataView} */
const viewOf = (bytes) =>
  setPrototypeOf(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), OwnView);

module.exports = { allocate, byteLength, viewOf };
