import {
  EMPTY_VOLUME_INFO,
  type OffsetWidthBytes,
  parseSuperBlock,
  SUPER_BLOCK_SIZE_BYTES,
  type VolumeInfo,
} from '@holdfast/format';
import { volumeServerPb as pb, RpcError } from '@holdfast/protocol';
import { type DiskFile, ensureFree } from '@holdfast/store';
import type { StoredVolume } from '../needles/stored-volume.js';
import type { Peer } from './peer.js';
import type { VolumeServer } from './volume-server.js';

const { method } = pb.VolumeServer;
/** A server rounds the length of a `.dat` up: so few bytes of the last padding may not be there. */
const ROUNDED_BYTES = 7;

export interface CopyVolumeOptions {
  readonly volumeId: number;
  readonly peer: Peer;
  /** Bytes copied so far. */
  readonly onProgress: (copiedBytes: number) => void;
  /** Default: as fast as it goes. */
  readonly maxBytesPerSecond: number | undefined;
  readonly signal: AbortSignal;
}

type FileStatus = pb.ReadVolumeFileStatusResponse;
type CopyMessages = AsyncGenerator<pb.CopyFileResponse, void>;

/**
 * A volume of another server, whole: `.dat` and `.idx` are opened there together and the revision asked for again
 * once both are open, so they are of one generation; where it was compacted in between, it is begun anew. What came is
 * read through before it is opened here.
 */
export async function copyVolume(server: VolumeServer, options: CopyVolumeOptions): Promise<StoredVolume> {
  const { env, store, limits } = server;
  for (let attempt = 1; ; attempt++) {
    const status = await usableStatus(options);
    const name = { volumeId: options.volumeId, collection: status.collection };
    await ensureFree(env, store.directory, Number(status.datFileSize + status.idxFileSize), 0);
    try {
      return await store.receive(name, (files) => copyFiles(server, options, status, files));
    } catch (error) {
      const isCompacted = error instanceof RpcError && / is compacted$/.test(error.message);
      if (!isCompacted || attempt >= limits.copyAttempts) throw error;
    }
  }
}

async function usableStatus({ peer, volumeId }: CopyVolumeOptions): Promise<FileStatus> {
  const status = await peer.unary(method.readVolumeFileStatus, { volumeId });
  if (status.datFileSize < BigInt(SUPER_BLOCK_SIZE_BYTES))
    throw new RpcError('failed-precondition', `volume ${volumeId} is closed on its source`);
  if ((status.volumeInfo?.files.length ?? 0) > 0)
    throw new RpcError('failed-precondition', `volume ${volumeId} is not on its source's own disk`);
  return status;
}

async function copyFiles(
  { env, timers }: VolumeServer,
  options: CopyVolumeOptions,
  status: FileStatus,
  files: { readonly dat: DiskFile; readonly idx: DiskFile },
): Promise<VolumeInfo> {
  const { peer, volumeId, onProgress, maxBytesPerSecond, signal } = options;
  const { collection, compactionRevision, datFileSize, idxFileSize } = status;
  const open = (ext: string, stopOffset: bigint): CopyMessages =>
    peer.stream(method.copyFile, { volumeId, ext, collection, compactionRevision, stopOffset });
  const startedAtMs = env.clock.monotonicMs();
  let copiedBytes = 0;

  async function keepPace(addedBytes: number): Promise<void> {
    copiedBytes += addedBytes;
    onProgress(copiedBytes);
    if (maxBytesPerSecond === undefined) return;
    const delayMs = startedAtMs + (1000 * copiedBytes) / maxBytesPerSecond - env.clock.monotonicMs();
    if (delayMs > 0) await timers.sleep(delayMs, signal);
  }

  async function copy(messages: CopyMessages, first: Uint8Array, file: DiskFile, sizeBytes: number) {
    let at = 0;
    for (let content: Uint8Array | undefined = first; content !== undefined; ) {
      if (at + content.length > sizeBytes)
        throw new RpcError('data-loss', `volume ${volumeId}: more than ${sizeBytes} bytes came`);
      await file.writeAt(at, content);
      at += content.length;
      await keepPace(content.length);
      const next = await messages.next();
      content = next.done ? undefined : next.value.fileContent;
    }
    return at;
  }

  const idx = open('.idx', idxFileSize);
  const dat = open('.dat', datFileSize);
  try {
    const firstOfIdx = await firstContent(idx);
    const firstOfDat = await firstContent(dat);
    await assertSame(options, status, firstOfDat);
    const datBytes = await copy(dat, firstOfDat, files.dat, Number(datFileSize));
    const idxBytes = await copy(idx, firstOfIdx, files.idx, Number(idxFileSize));
    if (datBytes < Number(datFileSize) - ROUNDED_BYTES || idxBytes < Number(idxFileSize)) {
      const text = `volume ${volumeId}: ${datBytes} of ${datFileSize} and ${idxBytes} of ${idxFileSize} bytes came`;
      throw new RpcError('data-loss', text);
    }
  } finally {
    await idx.return();
    await dat.return();
  }
  return infoOf(status);
}

/** A stream's first message is sent when the file is open; there is none where the file is not there. */
async function firstContent(messages: CopyMessages): Promise<Uint8Array> {
  const first = await messages.next();
  return first.done ? new Uint8Array(0) : first.value.fileContent;
}

/** Both files are open: they are of one generation if the revision is still what it was before. */
async function assertSame(options: CopyVolumeOptions, status: FileStatus, start: Uint8Array): Promise<void> {
  const { volumeId } = options;
  const { compactionRevision } = parseSuperBlock(start.subarray(0, SUPER_BLOCK_SIZE_BYTES));
  const now = await usableStatus(options);
  const revisions = [compactionRevision, now.compactionRevision];
  if (
    revisions.some((revision) => revision !== status.compactionRevision) ||
    now.datFileSize < status.datFileSize
  )
    throw new RpcError('aborted', `volume ${volumeId} is compacted`);
}

function infoOf({ volumeInfo, version }: FileStatus): VolumeInfo {
  const { bytesOffset, replication, expireAtSec, readOnly, readOnlyCanDelete } = volumeInfo ?? {};
  const isWidth = bytesOffset === 4 || bytesOffset === 5;
  return {
    ...EMPTY_VOLUME_INFO,
    version,
    replication: replication ?? '',
    offsetWidthBytes: isWidth ? (bytesOffset as OffsetWidthBytes) : undefined,
    expireAtSeconds: expireAtSec ?? 0n,
    readOnly: readOnly ?? false,
    readOnlyCanDelete: readOnlyCanDelete ?? false,
  };
}
