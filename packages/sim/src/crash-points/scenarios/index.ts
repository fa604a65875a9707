import type { CrashScenario } from '../crash-scenario.js';
import { syncScenarios } from './followed.js';
import { keptScenarios } from './kept.js';
import { servedScenarios } from './served.js';
import { volumeScenarios } from './volumes.js';

/** Everything that changes a disk and must survive a crash. */
export const crashScenarios = [
  ...syncScenarios,
  ...keptScenarios,
  ...volumeScenarios,
  ...servedScenarios,
] as readonly CrashScenario[];
