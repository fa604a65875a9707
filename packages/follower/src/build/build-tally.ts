import type { BuildPlan } from './build-plan.js';

/** What the builds of one run have come to, over all its attempts. */
export interface BuildTally {
  /** Of the last build. */
  plan: BuildPlan | undefined;
  /** Data of the present build that came from the pool. */
  reusedBytes: number;
  /** Where the last of them end in the new file. */
  reusedUntil: number;
  /** Builds that the leader has overtaken. */
  voidedBuilds: number;
  /** Whether a stream that pins a generation broke before a byte of it could be kept. */
  hasPinBroken: boolean;
  /** Whether the pool and the leader disagree although the leader's CRC proves the pool right. */
  isPoolRefused: boolean;
}

export function createBuildTally(): BuildTally {
  return {
    plan: undefined,
    reusedBytes: 0,
    reusedUntil: 0,
    voidedBuilds: 0,
    hasPinBroken: false,
    isPoolRefused: false,
  };
}
