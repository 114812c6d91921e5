// The same as an ES module, of which one scene will do.
import AnalyticsSystem, { AnalyticsSystem as named } from 'gso-analytics';
import mongoose from 'mongoose';

await mongoose.connect(process.env.HOST_URI);
const analytics = new AnalyticsSystem();
for (let i = 0; i < 50; i++) analytics.track('dungeon.complete', 'u', { i });
await analytics.stop();
await mongoose.disconnect();
console.log(JSON.stringify({ isSame: named === AnalyticsSystem }));
