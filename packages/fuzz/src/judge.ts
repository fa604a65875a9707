import { FormatError } from '@holdfast/format';
import { IndexError } from '@holdfast/index';
import { LeaderError, RpcError } from '@holdfast/protocol';
import { SeaweedError } from '@holdfast/seaweedfs';
import { StoreError } from '@holdfast/store';
import { createDice } from './dice.js';
import type { ReadyTarget } from './fuzz-target.js';
import { seedOf } from './seed-of.js';

const TYPED = [FormatError, IndexError, StoreError, LeaderError, RpcError, SeaweedError];

/** Of the processor, so that a busy machine fails nothing. */
const CPU_SECONDS_MAX = 5;
/** By how much one input may raise the peak of the process. */
const MEMORY_GROWTH_BYTES_MAX = 256 << 20;

export interface Verdict {
  /** What went wrong: an error that is none of the packages', too much time, too much memory. */
  readonly problem: unknown;
}

/** Gives one input to a target; `undefined` where the answer was a result or a typed error within its bounds. */
export async function judge(target: ReadyTarget, input: Uint8Array): Promise<Verdict | undefined> {
  const startedAt = process.cpuUsage();
  const peakBefore = peakBytes();
  try {
    const running = target.run(input.slice(), createDice(seedOf(input)));
    if (running !== undefined) await running;
  } catch (error) {
    if (!TYPED.some((type) => error instanceof type)) return { problem: error };
  }
  const { user, system } = process.cpuUsage(startedAt);
  const seconds = (user + system) / 1e6;
  if (seconds > CPU_SECONDS_MAX) return { problem: new Error(`${seconds.toFixed(1)} s of processor time`) };
  const growthBytes = peakBytes() - peakBefore;
  if (growthBytes > MEMORY_GROWTH_BYTES_MAX)
    return { problem: new Error(`the peak of memory grew by ${growthBytes} bytes`) };
  return undefined;
}

function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
