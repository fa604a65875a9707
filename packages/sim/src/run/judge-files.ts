import { Violation } from '../oracles/violation.js';
import { DIRECTORY } from '../world/follower-runs.js';
import type { SimulatedWorld } from '../world/simulated-world.js';

/** Whatever a peer says, nothing is written outside of the directories that were given. */
export function judgeFiles({ machine }: SimulatedWorld): void {
  const stray = machine.disk
    .files()
    .find((path) => !path.startsWith(`${DIRECTORY}/`) && !path.startsWith('/restored/'));
  if (stray !== undefined) throw new Violation('hostile input', `no file outside of ${DIRECTORY}`, stray);
}
