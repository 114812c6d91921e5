import AnalyticsSystem, { type Metrics, type Options } from 'gso-analytics';
import mongoose from 'mongoose';

const EVENTS = 50;

async function main(uri: string): Promise<void> {
  await mongoose.connect(uri);
  const options: Options = { flushIntervalMs: 100, logger: console };
  const analytics = new AnalyticsSystem(options);
  analytics.start();
  await analytics.onLogin('a', 'name of a');
  for (let number = 1; number <= EVENTS; number++) {
    analytics.track('credits.earn', 'a', { amount: 2, number });
  }
  await analytics.onLogout('a');
  const { today, dau }: Metrics = await analytics.getMetrics();
  if (today.creditsEarned !== 2 * EVENTS || dau !== 1) throw new Error('not what was tracked');
  await analytics.stop();
  await mongoose.disconnect();
}

main(process.env.MONGODB_URI ?? '');
