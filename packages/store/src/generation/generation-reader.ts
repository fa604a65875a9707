import { EMPTY_VOLUME_INFO, type VolumeInfo, type VolumeName } from '@holdfast/format';
import type { RandomAccess } from '@holdfast/index';
import type { DiskFile } from '../disk.js';
import type { StoreEnvironment } from '../environment.js';
import { isStoreError, StoreError } from '../errors.js';
import { readVolumeInfoFile } from '../volume/volume-info-file.js';
import {
  type BlockDifference,
  blockCount,
  DIGEST_SIZE_BYTES,
  differingBlocks,
  hashDigests,
  toHex,
} from './block-digests.js';
import { boundedAccess } from './bounded-access.js';
import { type GenerationState, type StateLengths, stateFile } from './generation-state.js';
import { type HistoryLine, historyLineOf, isStateOf, readHistory } from './history.js';
import { readCurrent, readPosition } from './home-records.js';
import { openIfThere } from './identify.js';
import { type HomeLayout, homeLayout } from './layout.js';
import type { GenerationPosition } from './position.js';
import type { PositionRecord } from './position-record.js';
import { exists } from './small-file.js';

export interface OpenGenerationReaderOptions {
  readonly directory: string;
  readonly volume: VolumeName;
  /** A former generation's id. Default: the current one. */
  readonly generation?: number;
}

/** A block that is not as it was committed, in `.dat` or `.idx`. */
export interface DigestFinding extends BlockDifference {
  readonly file: 'dat' | 'idx';
}

/** One generation at one position, for reading beside a follower that goes on. */
export interface GenerationReader {
  readonly id: number;
  readonly position: GenerationPosition;
  readonly indexSerial: number;
  /** The committed bytes, and no more. */
  readonly dat: RandomAccess;
  readonly idx: RandomAccess;
  /** The committed states, oldest first, up to the position. */
  history(signal?: AbortSignal): AsyncIterable<HistoryLine>;
  /** Reads everything and gives each block that differs from its digest; a missing digest is a finding too. */
  checkDigests(signal?: AbortSignal): AsyncIterable<DigestFinding>;
  /**
   * One digest for both files up to the position, in hex: SHA-256 of the text `<datSizeBytes> <idxSizeBytes>\n`, the
   * digest of each block of 64 KiB of the `.dat`, the last, partial one's included, and the same of the `.idx`. Equal
   * for equal content. It is made of the digests alone: `checkDigests` compares them with the bytes.
   */
  contentDigest(signal?: AbortSignal): Promise<string>;
  /** The files as they were at a state of `history`, or up to a record between two. Error `not-found`. */
  openState(state: StateLengths): Promise<GenerationState>;
  /** What its `.vif` says; without one, what the position knows. */
  readInfo(): Promise<VolumeInfo>;
  /**
   * Moves the position on to what has been committed since. False, and nothing moved, where another generation or another
   * index file has taken the place of this one: then open anew.
   */
  advance(): Promise<boolean>;
  close(): Promise<void>;
}

/** How often the generation may be replaced under a reader that is opening it. */
const OPEN_TRIES_MAX = 20;

/**
 * Opens without a lock: position, files, and the position again. The files are then of that position, whatever a
 * follower does meanwhile: it only appends to them, and a swap leaves them to whoever has them open. Changes nothing,
 * recovers nothing: after a crash in a swap the generation that counts is read where its files are kept. Errors:
 * `not-found` where there is no generation, or none of its files; `position-damaged`, `position-moved` where each try was overtaken.
 */
export async function openGenerationReader(
  env: StoreEnvironment,
  options: OpenGenerationReaderOptions,
): Promise<GenerationReader> {
  const layout = homeLayout(options.directory, options.volume);
  /** Generations without files; one is `undefined` where they were there and did not stay. */
  const missing = new Set<number | undefined>();
  for (let tries = 0; tries < OPEN_TRIES_MAX; tries++) {
    const outcome = await tryOpen(env, layout, options.generation);
    if ('position' in outcome) return outcome;
    missing.add(outcome.missingFilesOf);
  }
  if (missing.size === 1 && !missing.has(undefined)) {
    const message = `the files of volume ${layout.baseName} are not in ${layout.directory} any more`;
    throw new StoreError('not-found', message, { path: layout.dat, volume: layout.baseName });
  }
  throw new StoreError('position-moved', `volume ${layout.baseName} was replaced at each try to open it`, {
    path: layout.home,
    volume: layout.baseName,
  });
}

async function tryOpen(
  env: StoreEnvironment,
  layout: HomeLayout,
  wanted: number | undefined,
): Promise<GenerationReader | { readonly missingFilesOf: number | undefined }> {
  const current = await readCurrent(env, layout);
  const id = wanted ?? current;
  const record = id === undefined ? undefined : await readPosition(env, layout, id);
  if (id === undefined || record === undefined) {
    throw new StoreError(
      'not-found',
      `${layout.directory} holds no generation of volume ${layout.baseName}`,
      {
        path: layout.home,
        volume: layout.baseName,
      },
    );
  }
  const paths = candidates(layout, id, record, id === current);
  const opened: DiskFile[] = [];
  const close = async () => {
    for (const file of opened) await file.close();
  };
  try {
    const [dat, idx] = [await openFirst(env, paths.dat, opened), await openFirst(env, paths.idx, opened)];
    const isSame =
      dat !== undefined &&
      idx !== undefined &&
      (await readCurrent(env, layout)) === current &&
      (await readPosition(env, layout, id))?.indexSerial === record.indexSerial &&
      (await isStillFirst(env, paths.dat, dat.path)) &&
      (await isStillFirst(env, paths.idx, idx.path));
    if (isSame)
      return readerOf(env, layout, { id, record, infoPaths: paths.vif, dat: dat.file, idx: idx.file, close });
    await close();
    return { missingFilesOf: dat === undefined || idx === undefined ? id : undefined };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Where a generation's files can be, the surest place first: its own directory has them as soon as their name in DIR
 * may be another's.
 */
function candidates(layout: HomeLayout, id: number, record: PositionRecord, isCurrent: boolean) {
  const own = layout.generation(id);
  return {
    dat: isCurrent ? [own.dat, layout.dat] : [own.dat],
    idx: [own.idxOf(record.indexSerial), own.idx, ...(isCurrent ? [layout.idx] : [])],
    vif: isCurrent ? [own.vif, layout.vif] : [own.vif],
  };
}

async function openFirst(env: StoreEnvironment, paths: readonly string[], opened: DiskFile[]) {
  for (const path of paths) {
    try {
      const file = await env.disk.open(path, { mode: 'read' });
      opened.push(file);
      return { path, file };
    } catch (error) {
      if (!isStoreError(error, 'not-found')) throw error;
    }
  }
  return undefined;
}

async function isStillFirst(
  env: StoreEnvironment,
  paths: readonly string[],
  chosen: string,
): Promise<boolean> {
  for (const path of paths) {
    if (path === chosen) return true;
    if (await exists(env.disk, path)) return false;
  }
  return false;
}

interface ReaderFiles {
  readonly id: number;
  readonly record: PositionRecord;
  readonly infoPaths: readonly string[];
  readonly dat: DiskFile;
  readonly idx: DiskFile;
  close(): Promise<void>;
}

function readerOf(env: StoreEnvironment, layout: HomeLayout, files: ReaderFiles): GenerationReader {
  const { id, close } = files;
  let { record } = files;
  const { indexSerial } = record;
  const own = layout.generation(id);
  const position = () => record.position;
  const contents = () => {
    const { datSizeBytes, idxSizeBytes } = position();
    return {
      dat: { lengthBytes: datSizeBytes, tailDigest: record.dat.tailDigest },
      idx: { lengthBytes: idxSizeBytes, tailDigest: record.idx.tailDigest },
    };
  };

  async function* findingsOf(
    file: DigestFinding['file'],
    content: { readonly data: RandomAccess; readonly lengthBytes: number; readonly tailDigest: string },
    digestsPath: string,
    signal?: AbortSignal,
  ): AsyncGenerator<DigestFinding, void, undefined> {
    const digests = await openIfThere(env, digestsPath);
    try {
      for await (const found of differingBlocks(env.sha256, content.data, { ...content, digests }, signal))
        yield { file, ...found };
    } finally {
      await digests.close();
    }
  }

  return {
    id,
    get position() {
      return record.position;
    },
    indexSerial,
    dat: boundedAccess(files.dat, () => position().datSizeBytes),
    idx: boundedAccess(files.idx, () => position().idxSizeBytes),

    async *history(signal) {
      const content = await openIfThere(env, own.history);
      let last: HistoryLine | undefined;
      try {
        for await (const line of readHistory(env, content, signal)) {
          const isPast =
            line.indexSerial > indexSerial ||
            (line.indexSerial === indexSerial && line.datSizeBytes > position().datSizeBytes);
          if (isPast) continue;
          yield line;
          last = line;
        }
        // A crash has come between the position and its line: the next opening writes it.
        if (last === undefined || !isStateOf(last, record)) yield historyLineOf(record);
      } finally {
        await content.close();
      }
    },

    async *checkDigests(signal) {
      const { dat, idx } = contents();
      yield* findingsOf('dat', { data: files.dat, ...dat }, own.datDigests, signal);
      yield* findingsOf('idx', { data: files.idx, ...idx }, own.idxDigests(indexSerial), signal);
    },

    async contentDigest(signal) {
      const { dat, idx } = contents();
      const hash = env.createSha256();
      hash.push(new TextEncoder().encode(`${dat.lengthBytes} ${idx.lengthBytes}\n`));
      for (const [content, path] of [
        [dat, own.datDigests],
        [idx, own.idxDigests(indexSerial)],
      ] as const) {
        const digests = await openIfThere(env, path);
        try {
          await hashDigests(hash, { ...content, digests }, signal);
        } finally {
          await digests.close();
        }
      }
      return toHex(hash.digest());
    },

    async openState(state) {
      const present = contents();
      const isFormerIndex = state.indexSerial !== indexSerial;
      const formerIdx = isFormerIndex
        ? await env.disk.open(own.idxOf(state.indexSerial), { mode: 'read' })
        : undefined;
      const datDigests = await openIfThere(env, own.datDigests);
      const idxDigests = await openIfThere(env, own.idxDigests(state.indexSerial));
      const idxLengthBytes = (await formerIdx?.sizeBytes()) ?? present.idx.lengthBytes;
      const idxTailDigest =
        formerIdx === undefined ? present.idx.tailDigest : await sealedDigest(idxDigests, idxLengthBytes);
      const dat = { ...present.dat, digests: datDigests };
      const idx = { lengthBytes: idxLengthBytes, digests: idxDigests, tailDigest: idxTailDigest };
      return {
        dat: stateFile(env, own.dat, files.dat, dat, state.datSizeBytes),
        idx: stateFile(env, own.idxOf(state.indexSerial), formerIdx ?? files.idx, idx, state.idxSizeBytes),
        async close() {
          for (const file of [formerIdx, datDigests, idxDigests]) await file?.close();
        },
      };
    },
    async readInfo() {
      for (const path of files.infoPaths) {
        const { info, state } = await readVolumeInfoFile(env.disk, path);
        if (state === 'read') return info;
      }
      const { version, offsetWidthBytes } = position();
      return { ...EMPTY_VOLUME_INFO, version, offsetWidthBytes };
    },
    async advance() {
      if ((await readCurrent(env, layout)) !== id) return false;
      const next = await readPosition(env, layout, id);
      if (next?.indexSerial !== indexSerial) return false;
      record = next;
      return true;
    },
    close,
  };
}

/** Of the last, partial block of an index that a later one replaced. */
async function sealedDigest(digests: RandomAccess, lengthBytes: number): Promise<string> {
  return toHex(await digests.readAt(blockCount(lengthBytes) * DIGEST_SIZE_BYTES, DIGEST_SIZE_BYTES));
}
