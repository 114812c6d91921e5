// What has failed once, and what fast-check cannot hold, as functions that make it: tried by every run.
'use strict';

function revokedProxy() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const payloadExamples = [revokedProxy, () => ({ a: [revokedProxy()] })];
const nameExamples = [revokedProxy, () => ({ _id: revokedProxy() })];
const amountExamples = [() => '1e400', () => [5], () => true];

module.exports = { amountExamples, nameExamples, payloadExamples };
