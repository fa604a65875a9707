import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Loaded into a process by `node --import`: at its exit, the most memory that was ever resident goes, in KiB, to the
 * file that the variable names. `VmHWM` is of this program alone; what getrusage says is inherited over exec.
 */
export const PEAK_FILE_VARIABLE = 'HOLDFAST_BENCH_PEAK_FILE';

const path = process.env[PEAK_FILE_VARIABLE];
if (path !== undefined) {
  process.on('exit', () => {
    const peak = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'));
    writeFileSync(path, peak?.[1] ?? '');
  });
}
