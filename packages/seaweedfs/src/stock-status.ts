import { idxEntrySizeBytes } from '@holdfast/format';
import { LeaderError, type LeaderStatus, volumeServerPb } from '@holdfast/protocol';
import type { SeaweedLimits } from './limits.js';
import type { StockCaller, StockCallOptions } from './stock-caller.js';

const SUPER_BLOCK_SIZE_BYTES = 8;
const MAX_REVISION = 0xffff;

type FileStatus = volumeServerPb.ReadVolumeFileStatusResponse;

/**
 * A status that is of one generation. `ReadVolumeFileStatus` takes both sizes under one lock but the revision
 * outside it: where two in a row agree on the revision, the second's sizes are that revision's (protocol.md §4).
 * It is the only status call that is safe on a volume closed by a failed vacuum; that one shows as size 0.
 */
export async function readStockStatus(
  caller: StockCaller,
  volume: { readonly volumeId: number; readonly collection: string },
  limits: SeaweedLimits,
  call: StockCallOptions,
): Promise<LeaderStatus> {
  const { volumeId, collection } = volume;
  const ask = () => caller.unary(volumeServerPb.VolumeServer.method.readVolumeFileStatus, { volumeId }, call);
  const broken = (text: string): LeaderError =>
    new LeaderError('bad-answer', `volume ${volumeId}: ${text}`, call.detail);

  let former = await ask();
  for (let attempt = 1; ; attempt++) {
    const status = await ask();
    if (status.compactionRevision === former.compactionRevision) {
      former = status;
      break;
    }
    if (attempt >= limits.statusAttempts) {
      throw new LeaderError(
        'revision-changed',
        `volume ${volumeId}: its revision does not stand still`,
        call.detail,
      );
    }
    former = status;
  }

  const status = former;
  const { datFileSize, idxFileSize, compactionRevision: revision, version } = status;
  if (datFileSize < SUPER_BLOCK_SIZE_BYTES) {
    const text = `volume ${volumeId} is registered but closed: a vacuum has failed on the server`;
    throw new LeaderError('volume-closed', text, call.detail);
  }
  if ((status.volumeInfo?.files.length ?? 0) > 0) {
    throw new LeaderError('refused', `volume ${volumeId} lies on remote storage`, call.detail);
  }
  if (status.collection !== collection) {
    // Reads by name would silently find nothing.
    const text = `volume ${volumeId} belongs to collection "${status.collection}", not "${collection}"`;
    throw new LeaderError('volume-not-found', text, call.detail);
  }
  if (datFileSize > Number.MAX_SAFE_INTEGER || idxFileSize > Number.MAX_SAFE_INTEGER)
    throw broken('impossible sizes');
  if (revision > MAX_REVISION) throw broken(`impossible revision ${revision}`);
  if (version !== 1 && version !== 2 && version !== 3) throw broken(`unknown version ${version}`);
  const width = await offsetWidthBytes(caller, status, call);
  const idxSizeBytes = Number(idxFileSize);
  // A full disk can cut an entry short. The server itself would not load such an index again.
  if (idxSizeBytes % idxEntrySizeBytes(width) !== 0)
    throw broken(`an index of ${idxSizeBytes} bytes, no number of entries of ${idxEntrySizeBytes(width)}`);
  return {
    revision,
    datSizeBytes: Number(datFileSize),
    idxSizeBytes,
    version,
    offsetWidthBytes: width,
    collection,
    readOnly: status.volumeInfo?.readOnly ?? false,
    replication: status.volumeInfo?.replication ?? '',
    lineageId: undefined,
  };
}

/**
 * An old server's status has no width. Its own build has only one, and a server ends at once on a volume of the
 * other: the limit that its version text begins with tells which (`30GB` or `8000GB`).
 */
async function offsetWidthBytes(
  caller: StockCaller,
  status: FileStatus,
  call: StockCallOptions,
): Promise<4 | 5> {
  const told = status.volumeInfo?.bytesOffset ?? 0;
  if (told === 4 || told === 5) return told;
  const { version } = await caller.unary(volumeServerPb.VolumeServer.method.volumeServerStatus, {}, call);
  if (version.startsWith('30GB ')) return 4;
  if (version.startsWith('8000GB ')) return 5;
  throw new LeaderError(
    'bad-answer',
    `the width of its offsets is not to be told from "${version}"`,
    call.detail,
  );
}
