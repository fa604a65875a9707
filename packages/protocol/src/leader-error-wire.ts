import { LeaderError, type LeaderErrorCode, type LeaderErrorDetail } from './leader-error.js';
import { type RpcCode, RpcError, toRpcError } from './rpc-error.js';

const rpcCodeByLeaderCode: Readonly<Record<LeaderErrorCode, RpcCode>> = {
  unreachable: 'unavailable',
  'volume-not-found': 'not-found',
  'volume-closed': 'failed-precondition',
  'past-end': 'out-of-range',
  'compaction-open': 'unavailable',
  'revision-changed': 'aborted',
  'position-refused': 'failed-precondition',
  'read-failed': 'data-loss',
  'not-permitted': 'permission-denied',
  'bad-answer': 'internal',
  refused: 'unknown',
};

/** A `LeaderError` as `holdfast.v1` sends it: the nearest status, and a text that begins with the code itself. */
export function rpcErrorOfLeaderError(error: unknown): RpcError {
  if (!(error instanceof LeaderError)) return toRpcError(error);
  return new RpcError(rpcCodeByLeaderCode[error.code], `${error.code}: ${error.message}`, error);
}

/** What a failed call of `holdfast.v1` means to a follower. */
export function leaderErrorOfRpcError(error: unknown, detail: LeaderErrorDetail): LeaderError {
  if (error instanceof LeaderError) return error;
  const failure = toRpcError(error);
  const [prefix, text] = splitOnce(failure.message, ': ');
  if (text !== undefined && prefix in rpcCodeByLeaderCode) {
    return new LeaderError(prefix as LeaderErrorCode, text, { ...detail, cause: failure });
  }
  return new LeaderError(leaderCodeOf(failure.code), failure.message, { ...detail, cause: failure });
}

function leaderCodeOf(code: RpcCode): LeaderErrorCode {
  switch (code) {
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
      return 'refused';
  }
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
