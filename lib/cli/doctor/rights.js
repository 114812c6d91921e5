/**
 * Rights of the user of the connection on the collections of the game.
 */
'use strict';

const { note, ok, wrong } = require('./finding.js');

const WRITES = ['insert', 'update'];
/** What is off without the rights on these, and nothing else. */
const OPTIONAL = {
  reports: 'presence, players online and reports are off',
  players: 'reports are off',
  purchases: 'purchases are not kept',
};

/**
 * @param {any} facts
 * @returns {import('./finding.js').Finding[]}
 */
function rightsFindings({ database, user, collections }) {
  if (user === null) return [note('rights', 'the server does not tell the rights of this user')];
  const { names, privileges } = user;
  if (names.length === 0) {
    return [
      note(
        'rights',
        'the server asks for no password',
        'everybody who reaches it may read and change everything',
        'Enable access control, unless only this machine reaches it',
      ),
    ];
  }
  const may = (/** @type {any} */ collection, /** @type {string} */ action) =>
    privileges.some((/** @type {any} */ one) => {
      return covers(one.resource, database, collection.name) && one.actions.includes(action);
    });
  const isReader = !collections.some((/** @type {any} */ one) =>
    WRITES.some((action) => may(one, action)),
  );
  const who = `the user ${names.join(', ')}`;
  if (isReader) {
    const unreadable = collections.filter((/** @type {any} */ one) => !may(one, 'find'));
    return unreadable.length === 0
      ? [
          note(
            'rights',
            `${who} may only read`,
            'the rights of the user of the game are not looked at',
          ),
        ]
      : [lacking(who, ['find'], unreadable)];
  }
  const wanted = ['find', ...WRITES];
  const poor = collections.flatMap((/** @type {any} */ one) => {
    const missing = wanted.filter((action) => !may(one, action));
    // Purchases never change, unless a user is erased.
    const needed =
      one.key === 'purchases' ? missing.filter((action) => action !== 'update') : missing;
    return needed.length === 0 ? [] : [lacking(who, needed, [one])];
  });
  if (poor.length > 0) return poor;
  return [
    ok('rights', `${who} may read and write every collection`),
    ...erasing(who, collections, may),
  ];
}

/** @type {(who: string, collections: any[], may: (one: any, action: string) => boolean) => import('./finding.js').Finding[]} */
function erasing(who, collections, may) {
  const erased = collections.filter(({ key }) =>
    ['events', 'sessions', 'uniques', 'players'].includes(key),
  );
  const kept = erased.filter((one) => !may(one, 'remove')).map(({ name }) => name);
  if (kept.length === 0) return [];
  const what = `${who} may not remove from ${kept.join(', ')}`;
  return [note('rights', what, 'deleteUser() fails', 'Grant remove if users are to be erased')];
}

/** @type {(who: string, actions: string[], collections: any[]) => import('./finding.js').Finding} */
function lacking(who, actions, collections) {
  const names = collections.map(({ name }) => name).join(', ');
  const [{ key }] = collections;
  const means =
    /** @type {Record<string, string>} */ (OPTIONAL)[key] ??
    'what belongs there cannot be read or waits in the memory of the game';
  const found = `${who} lacks ${actions.join(', ')} on ${names}`;
  const todo = 'Grant it, as by the role readWrite on the database';
  // A game without purchases needs none there.
  const isUnused = collections.every((one) => one.key === 'purchases' && one.exists === false);
  return isUnused
    ? note('rights', found, means, `${todo}, if the game has purchases`)
    : wrong('rights', found, means, todo);
}

/** @type {(resource: any, database: string, collection: string) => boolean} */
function covers(resource, database, collection) {
  if (resource.anyResource === true) return true;
  const isDatabase = resource.db === '' || resource.db === database;
  const isCollection = resource.collection === '' || resource.collection === collection;
  return resource.db !== undefined && isDatabase && isCollection;
}

module.exports = { rightsFindings };
