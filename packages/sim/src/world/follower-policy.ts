import { defaultSyncPolicy, type SyncPolicy } from '@holdfast/follower';
import type { World } from '../schedule/schedule.js';

/** Everything small: many steps, commits and windows in a volume of a few kilobytes. */
const SMALL: Partial<SyncPolicy> = {
  firstStepBytes: 512,
  greatestStepBytes: 2048,
  greatestBuildStepBytes: 1024,
  pinnedCommitBytes: 1024,
  pinnedUncommittedBytes: 4096,
};

const LEAST: Partial<SyncPolicy> = {
  firstStepBytes: 64,
  greatestStepBytes: 512,
  greatestBuildStepBytes: 512,
  pinnedCommitBytes: 128,
  pinnedUncommittedBytes: 512,
  smallIndexBytes: 0,
  indexWindowBytes: 60,
};

export function policyOf(world: World): SyncPolicy {
  const { steps, provesIndex = true } = world;
  const sizes = steps === 'default' ? {} : steps === 'small' ? SMALL : LEAST;
  const { keepForMs, keepGenerations, maxLoss } = { ...defaultSyncPolicy, ...world };
  const kept = { keepForMs, keepGenerations, maxLoss };
  return { ...defaultSyncPolicy, ...kept, minFreeBytes: 0, proveIndex: provesIndex, ...sizes };
}
