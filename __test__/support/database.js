// A mongod with a client, and fresh databases on it.
'use strict';

const { MongoClient } = require('./driver');
const support = require('./mongod');

class Database {
  constructor(client, serverUri) {
    this.name = support.freshDatabaseName();
    this.serverUri = serverUri;
    this.uri = support.withDatabase(serverUri, this.name);
    this.db = client.db(this.name);
  }

  /** Documents of a collection in the order of their insertion. */
  all(collection, filter = {}) {
    return this.db.collection(collection).find(filter).sort({ _id: 1 }).toArray();
  }

  events(filter) {
    return this.all('gsoevents', filter);
  }

  sessions(filter) {
    return this.all('gsosessions', filter);
  }

  days(filter) {
    return this.all('gsodailies', filter);
  }

  count(collection, filter = {}) {
    return this.db.collection(collection).countDocuments(filter);
  }

  /** Whether the event of a fault row is there; it is never found later than it can be read. */
  async has(mark) {
    return (await this.count('gsoevents', { 'data.mark': mark })) > 0;
  }
}

class Mongo {
  constructor(server, options) {
    this.server = server;
    this.client = new MongoClient(server.uri, options);
    this.names = [];
  }

  /** `options` as `startMongod` takes them, and those of the client. */
  static async start(options, clientOptions) {
    return new Mongo(await support.startMongod({ ...options, say() {} }), clientOptions);
  }

  get uri() {
    return this.server.uri;
  }

  database() {
    const database = new Database(this.client, this.server.uri);
    this.names.push(database.name);
    return database;
  }

  dropDatabases() {
    return support.dropDatabases(this.server.uri, this.names);
  }

  async stop() {
    await this.client.close();
    await this.server.stop();
  }
}

module.exports = { Mongo };
