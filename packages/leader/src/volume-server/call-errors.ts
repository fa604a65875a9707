import { FormatError } from '@holdfast/format';
import { IndexError } from '@holdfast/index';
import { LeaderError, type RpcCode, RpcError, type RpcHandlerContext, toRpcError } from '@holdfast/protocol';
import { StoreError, type StoreErrorCode } from '@holdfast/store';
import type { NeedleStore } from '../needles/needle-store.js';
import type { StoredVolume } from '../needles/stored-volume.js';

const CODES: Partial<Record<StoreErrorCode, RpcCode>> = {
  'not-found': 'not-found',
  exists: 'already-exists',
  'no-space': 'resource-exhausted',
  'not-permitted': 'permission-denied',
  locked: 'failed-precondition',
  'read-only': 'failed-precondition',
  'needle-not-found': 'not-found',
  'cookie-mismatch': 'permission-denied',
  'too-large': 'resource-exhausted',
  'volume-not-empty': 'failed-precondition',
  'compaction-state': 'failed-precondition',
  closed: 'unavailable',
  corrupt: 'data-loss',
  'index-mismatch': 'data-loss',
  'index-odd-size': 'data-loss',
};

/** A failure without a code, as nearly all of SeaweedFS's are: what clients match on is the text (protocol.md §5). */
export function refusal(text: string): RpcError {
  return new RpcError('unknown', text);
}

/** The open volume, or SeaweedFS's text for one that is not there. */
export function requireVolume(store: NeedleStore, volumeId: number, text?: string): StoredVolume {
  const volume = store.find(volumeId);
  if (volume === undefined) throw refusal(text ?? `not found volume id ${volumeId}`);
  return volume;
}

/** What a handler failed with, as its caller sees it: with a code, and without paths of this machine. */
export function callError(error: unknown, directory: string, { signal }: RpcHandlerContext): RpcError {
  if (error instanceof RpcError) return error;
  if (signal.aborted) return new RpcError('canceled', 'canceled by the caller', error);
  if (error instanceof StoreError) {
    const text = error.message.replaceAll(`${directory}/`, '').replaceAll(directory, 'the directory');
    return new RpcError(CODES[error.code] ?? 'internal', `${error.code}: ${text}`, error);
  }
  if (error instanceof IndexError || error instanceof LeaderError)
    return new RpcError('data-loss', `${error.code}: ${error.message}`, error);
  if (error instanceof FormatError || error instanceof RangeError)
    return new RpcError('invalid-argument', error.message, error);
  return toRpcError(error);
}
