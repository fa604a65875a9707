import type { RestorableRange } from './restore/restorable.js';

/**
 * - `step-voided`: a fence did not hold; nothing of the step was committed. The run starts again from status.
 * - `leader-unsettled`: five attempts in a row were voided or broken without progress.
 * - `leader-unreachable`: no connection in five tries.
 * - `leader-volume-closed`: the server has the volume but cannot read it. Retried in a later run.
 * - `leader-damaged`: the leader's own bytes are bad; everything else is current.
 * - `leader-read-failed`: the leader could not read its disk. Not repeated in the run.
 * - `leader-refused`: the leader refused a call.
 * - `not-permitted`: TLS, white list or authentication.
 * - `volume-not-found`: no such volume on the leader.
 * - `unsupported`: erasure-coded or remote.
 * - `not-covered`: no commit that is kept covers the instant that was asked for, and `covered` says what is; or the
 *   generation of a cursor of changes is not kept any more.
 * - `diverged`: the local copy differs from the leader's (`compareWithLeader` only).
 */
export type FollowErrorCode =
  | 'step-voided'
  | 'leader-unsettled'
  | 'leader-unreachable'
  | 'leader-volume-closed'
  | 'leader-damaged'
  | 'leader-read-failed'
  | 'leader-refused'
  | 'not-permitted'
  | 'volume-not-found'
  | 'unsupported'
  | 'not-covered'
  | 'diverged';

export interface FollowErrorDetail {
  readonly volumeId?: number | undefined;
  readonly offset?: number | undefined;
  /** What can be restored, with `not-covered`. */
  readonly covered?: readonly RestorableRange[];
  readonly cause?: unknown;
}

/** Why a sync, or a restore, could not do or prove something. Codes are stable, messages are not. */
export class FollowError extends Error {
  override readonly name = 'FollowError';
  readonly code: FollowErrorCode;
  readonly volumeId: number | undefined;
  readonly offset: number | undefined;
  readonly covered: readonly RestorableRange[];

  constructor(code: FollowErrorCode, message: string, detail: FollowErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.volumeId = detail.volumeId;
    this.offset = detail.offset;
    this.covered = detail.covered ?? [];
  }
}

/** A fence that did not hold: `what` says what was read differently. */
export function stepVoided(volumeId: number, what: string, offset?: number): FollowError {
  return new FollowError('step-voided', `volume ${volumeId}: the leader changed under a step: ${what}`, {
    volumeId,
    offset,
  });
}
