import {
  formatInstant,
  formatVolumeName,
  isDeletion,
  type Needle,
  offsetCandidates,
  parseNeedle,
  recordSizeOfEntry,
} from '@holdfast/format';
import { openIdx, type RandomAccess } from '@holdfast/index';
import { type GenerationReader, type StoreEnvironment, StoreError } from '@holdfast/store';
import { examineRecord } from '../examine.js';
import { type KeptVolume, newestFirst } from './generations.js';
import type { RestoreInstant } from './restore-volume.js';
import { withStateAt } from './state-at.js';
import type { VolumeState } from './volume-state.js';

/** Older records of one needle in one index that are looked at, the newest first. */
const RECORDS_TRIED_MAX = 1000;

export interface FindNeedleOptions extends KeptVolume, RestoreInstant {
  readonly needleId: bigint;
  readonly cookie: number;
  readonly signal: AbortSignal;
}

/** A needle as it was, its record checked. */
export interface FoundNeedle {
  readonly needle: Needle;
  readonly generation: number;
  readonly revision: number;
  /** Whether a reader of the newest state still finds it so. */
  readonly isLive: boolean;
}

/**
 * One needle at an instant, or without one the newest that any kept generation has: also one that has been deleted or
 * overwritten since. Errors: `needle-not-found`; `cookie-mismatch`; `corrupt` where all that is left of it is damaged;
 * `not-covered`.
 */
export async function findNeedle(env: StoreEnvironment, options: FindNeedleOptions): Promise<FoundNeedle> {
  const search = new NeedleSearch(env, options);
  const { asOfNs, signal } = options;
  if (asOfNs !== undefined) {
    const found = await withStateAt(env, options, asOfNs, signal, (state, reader) =>
      search.in(reader, state, 'live'),
    );
    return found ?? search.fail();
  }
  for await (const { kept, reader } of newestFirst(env, options)) {
    for (const [age, lengths] of (await indexesOf(reader, signal)).entries()) {
      const found = await search.in(reader, lengths, 'any');
      if (found !== undefined) return { ...found, isLive: found.isLive && kept.isCurrent && age === 0 };
    }
  }
  return search.fail();
}

type IndexLengths = Pick<VolumeState, 'datSizeBytes' | 'idxSizeBytes' | 'indexSerial'>;

/** The last state that each index file of the generation was in use for, the newest file first. */
async function indexesOf(reader: GenerationReader, signal: AbortSignal): Promise<readonly IndexLengths[]> {
  const lasts = new Map<number, IndexLengths>();
  for await (const line of reader.history(signal)) lasts.set(line.indexSerial, line);
  return [...lasts.values()].reverse();
}

/** Looks for one needle in one index after the other, and remembers why it was not taken where it was met. */
class NeedleSearch {
  readonly #env: StoreEnvironment;
  readonly #options: FindNeedleOptions;
  #hasOtherCookie = false;
  #damage = '';

  constructor(env: StoreEnvironment, options: FindNeedleOptions) {
    this.#env = env;
    this.#options = options;
  }

  async in(
    reader: GenerationReader,
    lengths: IndexLengths,
    which: 'live' | 'any',
  ): Promise<FoundNeedle | undefined> {
    const files = await reader.openState(lengths);
    try {
      const { offsets, isLive } = await this.#entriesIn(reader, files.idx);
      if (which === 'live' && !isLive) return undefined;
      const tried = which === 'live' ? offsets.slice(-1) : offsets.toReversed();
      for (const [age, { offset, sizeBytes }] of tried.entries()) {
        for (const at of offsetCandidates(offset, reader.position.offsetWidthBytes, lengths.datSizeBytes)) {
          const needle = await this.#read(reader, files.dat, at, sizeBytes, lengths.datSizeBytes);
          if (needle === undefined) continue;
          const { id: generation, position } = reader;
          return { needle, generation, revision: position.revision, isLive: isLive && age === 0 };
        }
      }
      return undefined;
    } finally {
      await files.close();
    }
  }

  /** Where its records with data are, oldest first, and whether the last entry of all is one of them. */
  async #entriesIn(reader: GenerationReader, idx: RandomAccess) {
    const { needleId, signal } = this.#options;
    let offsets: { readonly offset: number; readonly sizeBytes: number }[] = [];
    let isLive = false;
    const index = await openIdx(idx, reader.position.offsetWidthBytes);
    for await (const entries of index.walk({ signal })) {
      for (let i = 0; i < entries.count; i++) {
        if (entries.needleIdAt(i) !== needleId) continue;
        const entry = entries.entryAt(i);
        isLive = !isDeletion(entry);
        if (isLive) offsets.push(entry);
        if (offsets.length > 2 * RECORDS_TRIED_MAX) offsets = offsets.slice(-RECORDS_TRIED_MAX);
      }
    }
    return { offsets, isLive };
  }

  async #read(
    reader: GenerationReader,
    dat: RandomAccess,
    offset: number,
    entrySizeBytes: number,
    endOffset: number,
  ): Promise<Needle | undefined> {
    const { crc32c } = this.#env;
    const { needleId, cookie } = this.#options;
    const expected = { offset, needleId, sizeBytes: recordSizeOfEntry(entrySizeBytes) };
    const found = await examineRecord(dat, expected, reader.position.version, endOffset, crc32c);
    if (found.kind === 'bad') {
      this.#damage ||= `generation ${reader.id}, offset ${offset}: ${found.reason}`;
      return undefined;
    }
    const bytes = await dat.readAt(offset, found.record.lengthBytes);
    const needle = parseNeedle(bytes, found.version, { crc32c });
    if (needle.cookie === cookie) return needle;
    this.#hasOtherCookie = true;
    return undefined;
  }

  fail(): never {
    const { volume, needleId, asOfNs } = this.#options;
    const volumeName = formatVolumeName(volume);
    const details = { volume: volumeName, needleId };
    const needle = `needle ${needleId.toString(16)} of volume ${volumeName}`;
    if (this.#hasOtherCookie)
      throw new StoreError('cookie-mismatch', `${needle} is there by another cookie only`, details);
    if (this.#damage !== '')
      throw new StoreError('corrupt', `${needle} is damaged wherever it is: ${this.#damage}`, details);
    const when =
      asOfNs === undefined ? 'in no generation that is kept' : `not there at ${formatInstant(asOfNs)}`;
    throw new StoreError('needle-not-found', `${needle} is ${when}`, details);
  }
}
