/**
 * Messages of the native side, each handled by its kind.
 *
 * The native side keeps the handler for as long as its worker lives. The handler therefore holds its
 * client weakly: a client that the host has forgotten is collected, and its worker then writes what it
 * holds and ends.
 */
'use strict';

const { requestError } = require('./pending.js');

/**
 * @typedef {import('../native.js').Message} Message
 *
 * @typedef {object} Receiver the client, as far as messages are concerned
 * @property {import('./pending.js').PendingPromises} pending
 * @property {import('./logger.js').WriteLine} write
 * @property {() => void} lookForConnection
 * @property {() => void} connectionKnown
 * @property {() => void} adoptOther
 */

/**
 * @param {Receiver} client
 * @param {{ isDebugBuild: boolean }} native
 * @returns {(message: Message) => void}
 */
function messageHandler(client, { isDebugBuild }) {
  const { pending, write } = client;
  const weak = new WeakRef(client);
  let hasWarned = false;
  return (message) => {
    switch (message.kind) {
      case 'acknowledged':
        for (const id of message.acks) pending.settle(id);
        return;
      case 'done':
        pending.settle(message.request, undefined, message.result);
        return;
      case 'failed':
        pending.settle(message.request, requestError(message));
        return;
      case 'log':
        write(message.level, message.text);
        return;
      case 'died':
        pending.settleAll(message);
        return;
      case 'connectionWanted':
        weak.deref()?.lookForConnection();
        return;
      case 'connectionKnown':
        weak.deref()?.connectionKnown();
        return;
      case 'otherAdopted':
        weak.deref()?.adoptOther();
        return;
      default: {
        const text = unknownKind(message);
        if (isDebugBuild) throw new Error(text);
        if (!hasWarned) write('warn', text);
        hasWarned = true;
      }
    }
  };
}

/**
 * The compiler refuses a call for a kind that has a case missing above.
 *
 * @param {never} message
 */
function unknownKind(message) {
  const { kind } = /** @type {{ kind: unknown }} */ (message);
  return (
    `a message of the unknown kind ${kind} was ignored: nothing is lost that waits to be written, ` +
    'a promise may stay pending; please report this defect of gso-analytics'
  );
}

module.exports = { messageHandler };
