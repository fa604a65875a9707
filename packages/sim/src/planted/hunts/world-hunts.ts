import { runSchedule } from '../../run/run-schedule.js';
import { generateSchedule } from '../../schedule/generate.js';
import type { Mode } from '../../schedule/schedule.js';
import type { Hunt } from './hunt.js';

/** The schedules of the simulated world. */
export const safetyHunt = worldHunt('safety');
export const livenessHunt = worldHunt('liveness');

function worldHunt(mode: Mode): Hunt {
  return {
    name: mode,
    async schedule(seed) {
      const { violation } = await runSchedule(generateSchedule(seed, mode));
      if (violation !== undefined) throw violation;
    },
  };
}
