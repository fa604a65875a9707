import { runSchedule } from '../../run/run-schedule.js';
import { generateKeepingSchedule, generateSchedule } from '../../schedule/generate.js';
import type { Mode } from '../../schedule/schedule.js';
import type { Hunt } from './hunt.js';

/** The schedules of the simulated world. */
export const safetyHunt = worldHunt('safety');
export const livenessHunt = worldHunt('liveness');

/** Those about little but what is kept, of one mode after the other. */
export const keepingHunt: Hunt = {
  name: 'keeping',
  async schedule(seed) {
    const mode = seed % 2 === 0 ? 'liveness' : 'safety';
    const { violation } = await runSchedule(generateKeepingSchedule(seed, mode));
    if (violation !== undefined) throw violation;
  },
};

function worldHunt(mode: Mode): Hunt {
  return {
    name: mode,
    async schedule(seed) {
      const { violation } = await runSchedule(generateSchedule(seed, mode));
      if (violation !== undefined) throw violation;
    },
  };
}
