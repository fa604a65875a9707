import { createFileNamer, formatFileId, type IdxEntry, parseVolumeName } from '@holdfast/format';
import {
  isStoreError,
  type NeedleStream,
  openNeedleStream,
  type StoreEnvironment,
  type Volume,
} from '@holdfast/store';
import type { FileSink } from './file-sink.js';
import { readNeedleContent } from './needle-content.js';

/** What stands for a file that a filer cut into pieces: the list of them, as JSON. */
const MANIFEST_SUFFIX = '.chunks.json';

export interface ExportOptions {
  readonly volume: Volume;
  readonly sink: FileSink;
  /** Content as stored, compressed or not. */
  readonly isRaw: boolean;
  readonly signal: AbortSignal;
  readonly onFile: (file: ExportedFile) => void;
  readonly onDamage: (damage: ExportDamage) => void;
}

export interface ExportedFile {
  readonly fileId: string;
  /** As stored; empty where it has none. */
  readonly name: string;
  /** As written. */
  readonly as: string;
  readonly sizeBytes: number;
  readonly mime: string;
  readonly modifiedAtSeconds: number | undefined;
  readonly isChunkManifest: boolean;
  /** Why it is not unpacked though it is compressed. */
  readonly packedBecause: string | undefined;
}

/** A needle that cannot be read: it is not in what was exported. */
export interface ExportDamage {
  readonly needleId: bigint;
  readonly offset: number;
  readonly message: string;
}

/**
 * Writes every live needle, in the order of the `.dat`, under a name that is safe and its own. Each is read and compared
 * with its CRC before anything of it is written; one that is damaged is told and left out.
 */
export async function exportVolume(env: StoreEnvironment, options: ExportOptions): Promise<void> {
  const { volume, sink, isRaw, signal, onFile, onDamage } = options;
  const namer = createFileNamer();
  const { volumeId } = parseVolumeName(volume.name);
  for (const entry of volume.liveByOffset()) {
    signal.throwIfAborted();
    const opened = await unlessDamaged(entry, async () => {
      const needle = await openNeedleStream(volume, entry, env.crc32c);
      return { needle, content: await readNeedleContent(needle, isRaw, signal) };
    });
    if (opened === undefined) continue;
    const { needle, content } = opened;
    const fileId = { volumeId, needleId: needle.needleId, cookie: needle.cookie };
    const name = new TextDecoder().decode(needle.name);
    const as = namer.nameOf(wantedName(name, formatFileId(fileId), needle), fileId);
    const { sizeBytes, packedBecause } = content;
    const modifiedAtSeconds = modifiedAt(needle);
    await sink.put({ name: as, sizeBytes, modifiedAtSeconds }, content.pieces());
    onFile({
      fileId: formatFileId(fileId),
      name,
      as,
      sizeBytes,
      mime: new TextDecoder().decode(needle.mime),
      modifiedAtSeconds,
      isChunkManifest: needle.isChunkManifest,
      packedBecause,
    });
  }
  await sink.finish();

  async function unlessDamaged<T>(
    { needleId, offset }: IdxEntry,
    read: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!isStoreError(error, 'corrupt')) throw error;
      onDamage({ needleId, offset, message: error.message });
      return undefined;
    }
  }
}

function wantedName(name: string, fileId: string, { isChunkManifest }: NeedleStream): string {
  return isChunkManifest ? `${name === '' ? fileId : name}${MANIFEST_SUFFIX}` : name;
}

/** What the client said; else when the server took it in. */
function modifiedAt({ lastModifiedSeconds, appendAtNs }: NeedleStream): number | undefined {
  if (lastModifiedSeconds !== undefined && lastModifiedSeconds > 0) return lastModifiedSeconds;
  return appendAtNs === 0n ? undefined : Number(appendAtNs / 1_000_000_000n);
}
