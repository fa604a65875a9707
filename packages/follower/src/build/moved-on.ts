import { LeaderError } from '@holdfast/protocol';
import { FollowError } from '../errors.js';

/** Whether an error says that the leader is not what it was when the build began. */
export function hasMovedOn(error: unknown): boolean {
  if (error instanceof FollowError) return error.code === 'step-voided';
  if (!(error instanceof LeaderError)) return false;
  return ['past-end', 'compaction-open', 'revision-changed'].includes(error.code);
}
