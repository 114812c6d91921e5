// Loaded into npm in Wine, where a socket that is asked to keep its connection alive before it has one cannot
// connect any more: asks when it is connected.
'use strict';

const { Socket } = require('node:net');

const { setKeepAlive } = Socket.prototype;

Socket.prototype.setKeepAlive = function setKeepAliveLater(...how) {
  if (!this.connecting) return setKeepAlive.apply(this, how);
  this.once('connect', () => setKeepAlive.apply(this, how));
  return this;
};
