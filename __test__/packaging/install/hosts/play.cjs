// What every host plays for each of its users.
'use strict';

const EVENTS = 50;

exports.play = async (analytics, user) => {
  await analytics.onLogin(user, `name of ${user}`);
  for (let number = 1; number <= EVENTS; number++) {
    analytics.track('credits.earn', user, { amount: 2, number });
  }
  await analytics.onLogout(user);
};
