import AnalyticsSystem from './index.js';

export { AnalyticsSystem };
export default AnalyticsSystem;
