export { createLeader, type Leader, type LeaderOptions } from './leader.js';
export type { LeaderWriter } from './leader-writer.js';
