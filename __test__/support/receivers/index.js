// The receivers by format: how each is started, and the destination that it then is.
'use strict';

const { amplitudeAt, startAmplitude } = require('./amplitude');
const faults = require('./faults');
const { gameAnalyticsAt, startGameAnalytics } = require('./gameanalytics');
const { mixpanelAt, startMixpanel } = require('./mixpanel');
const { postHogAt, startPostHog } = require('./posthog');
const { rawAt, startRaw } = require('./raw');
const { segmentAt, startSegment } = require('./segment');

const RECEIVERS = {
  raw: { start: startRaw, at: rawAt },
  mixpanel: { start: startMixpanel, at: mixpanelAt },
  segment: { start: startSegment, at: segmentAt },
  posthog: { start: startPostHog, at: postHogAt },
  amplitude: { start: startAmplitude, at: amplitudeAt },
  gameanalytics: { start: startGameAnalytics, at: gameAnalyticsAt },
};

module.exports = { RECEIVERS, faults };
