import AnalyticsSystem from 'gso-analytics';
import mongoose from 'mongoose';
import { play } from './play.cjs';

await mongoose.connect(process.env.MONGODB_URI);
const analytics = new AnalyticsSystem();
analytics.start();
await play(analytics, 'a');
await analytics.stop();
await mongoose.disconnect();
