import { LeaderError, type LeaderErrorCode, type LeaderErrorDetail, RpcError } from '@holdfast/protocol';

/**
 * A stock server's texts, in the order in which they are tried. Nearly all come as `unknown`, and the releases
 * differ in codes more than in words, so the words decide (protocol.md §5).
 */
const TEXTS: readonly (readonly [pattern: RegExp, code: LeaderErrorCode])[] = [
  [/not authorized: |no peer info/, 'not-permitted'],
  [/not found volume id \d+|volume not found \d+|volume (id )?\d+ (is )?not found/, 'volume-not-found'],
  // CopyFile by name (`is_ec_volume`), whatever the kind of the volume.
  [/CopyFile not found ec volume id \d+|no such file or directory/, 'volume-not-found'],
  [/volume \d+ is compacted/, 'revision-changed'],
  [/data backend not found|panic occurred|file already closed/, 'volume-closed'],
  [/: (unexpected )?EOF$/, 'past-end'],
  [/input\/output error|readat? |read needle blob /i, 'read-failed'],
];

/** One needle's answers, so not the volume's: 4.44 has the bare text, 4.48 the code and the id. */
const NEEDLE_NOT_LIVE = /^(not found|already deleted|needle not found \d+)$/;

export function isNeedleNotLive(error: unknown): boolean {
  return error instanceof RpcError && NEEDLE_NOT_LIVE.test(error.message);
}

/** What an `RpcError` of a stock server means to a follower. A `LeaderError` stays as it is. */
export function translateError(error: unknown, detail: LeaderErrorDetail): unknown {
  if (!(error instanceof RpcError)) return error;
  // A transport that could not connect has said where.
  const message = error.message.startsWith(`${detail.address}: `)
    ? error.message
    : `${detail.address}: ${error.message}`;
  return new LeaderError(leaderErrorCode(error), message, { ...detail, cause: error });
}

function leaderErrorCode(error: RpcError): LeaderErrorCode {
  switch (error.code) {
    case 'unavailable':
    case 'deadline-exceeded':
    case 'canceled':
      return 'unreachable';
    case 'unauthenticated':
    case 'permission-denied':
      return 'not-permitted';
    case 'resource-exhausted':
    case 'internal':
      return 'bad-answer';
    default:
      return TEXTS.find(([pattern]) => pattern.test(error.message))?.[1] ?? 'refused';
  }
}
