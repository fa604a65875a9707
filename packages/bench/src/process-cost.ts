import { readFileSync } from 'node:fs';

/** The clock of /proc: `getconf CLK_TCK`, 100 on every Linux that Node.js runs on. */
const TICKS_A_SECOND = 100;
const KIB = 1024;

/** Seconds of one core that a process has used until now. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

/** What a process has resident now, and at most since its start. */
export function memoryOf(pid: number): { readonly residentBytes: number; readonly peakBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1]) * KIB;
  return { residentBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM') };
}
