/**
 * - `unreachable`: no connection, or it broke, or nothing came for the limit. Retry.
 * - `volume-not-found`: the server does not have the volume. Look it up again.
 * - `volume-closed`: the server has it but cannot read it (a failed vacuum commit). Retry later.
 * - `past-end`: a range or index range ends beyond the file.
 * - `compaction-open`: ranges must wait.
 * - `revision-changed`: the leader itself saw another revision than the one asked for. Start again from status.
 * - `position-refused`: the leader says that the follower's proof does not hold. Build.
 * - `read-failed`: the leader could not read its own disk. Not repeated in a run.
 * - `not-permitted`: white list, TLS or authentication. An operator's matter.
 * - `bad-answer`: the answer breaks the protocol (wrong length, a limit passed). Start again.
 * - `refused`: any other refusal; the leader's text is in the message.
 */
export type LeaderErrorCode =
  | 'unreachable'
  | 'volume-not-found'
  | 'volume-closed'
  | 'past-end'
  | 'compaction-open'
  | 'revision-changed'
  | 'position-refused'
  | 'read-failed'
  | 'not-permitted'
  | 'bad-answer'
  | 'refused';

export interface LeaderErrorDetail {
  readonly address?: string;
  readonly volumeId?: number;
  readonly offset?: number;
  readonly cause?: unknown;
}

/** What went wrong between a follower and its leader. Codes are stable, messages are not. */
export class LeaderError extends Error {
  override readonly name = 'LeaderError';
  readonly code: LeaderErrorCode;
  readonly address: string | undefined;
  readonly volumeId: number | undefined;
  readonly offset: number | undefined;

  constructor(code: LeaderErrorCode, message: string, detail: LeaderErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.address = detail.address;
    this.volumeId = detail.volumeId;
    this.offset = detail.offset;
  }
}
