import { FormatError, formatVolumeName, type VolumeName } from '@holdfast/format';
import { IndexError } from '@holdfast/index';
import { LeaderError, type LeaderErrorCode } from '@holdfast/protocol';
import { StoreError } from '@holdfast/store';
import { FollowError, type FollowErrorCode } from './errors.js';

const CODES: Readonly<Record<LeaderErrorCode, FollowErrorCode>> = {
  unreachable: 'leader-unreachable',
  'volume-not-found': 'volume-not-found',
  'volume-closed': 'leader-volume-closed',
  'past-end': 'leader-unsettled',
  'compaction-open': 'leader-unsettled',
  'revision-changed': 'leader-unsettled',
  'position-refused': 'leader-refused',
  'read-failed': 'leader-read-failed',
  'not-permitted': 'not-permitted',
  'bad-answer': 'leader-unsettled',
  refused: 'leader-refused',
};

/** The one place where the errors of lower layers become those of a report. Others are thrown. */
export function translateError(error: unknown, volume: VolumeName): FollowError | StoreError {
  const { volumeId } = volume;
  const name = formatVolumeName(volume);
  if (error instanceof StoreError) return error;
  if (error instanceof LeaderError)
    return new FollowError(CODES[error.code], `volume ${name}: ${error.message}`, { volumeId, cause: error });
  if (error instanceof FollowError && error.code !== 'step-voided') return error;
  if (error instanceof FollowError)
    return new FollowError('leader-unsettled', error.message, {
      volumeId,
      offset: error.offset,
      cause: error,
    });
  // What is parsed here is what the leader sent: its files make no volume.
  if (error instanceof FormatError || error instanceof IndexError) {
    const message = `volume ${name}: the leader's files make no volume: ${error.message}`;
    return new FollowError('leader-damaged', message, { volumeId, cause: error });
  }
  throw error;
}
