import {
  idxEntrySizeBytes,
  parseIdxEntry,
  recordLengthBytes,
  type Version,
  writeIdxEntry,
} from '@holdfast/format';
import type { HeldGeneration, LeaderDamage } from '@holdfast/store';
import { stepVoided } from './errors.js';
import { type ExpectedRecord, examineRecord } from './examine.js';
import type { Sighting } from './fence.js';
import { frameRest } from './frame-rest.js';
import {
  coveredOffset,
  entriesBefore,
  entriesFrom,
  expectedRecords,
  type LeaderEntries,
  readLeaderEntries,
} from './leader-entries.js';
import { isSameOnLeader } from './leader-read.js';
import { receive } from './receive.js';
import type { VolumeRun } from './run.js';
import type { SizeZeroRecord, StepFrames } from './step-frames.js';

/** At most so many records of size 0 in a step are asked for one by one rather than by reading the leader's index. */
const ASKED_NEEDLES_MAX = 16;

/** What a step holds, once the leader's index has told what the bytes alone could not. */
export interface SettledStep {
  /** Where the step ends; at most what was written. Equal to its start where only index entries are left. */
  readonly endOffset: number;
  readonly entries: Uint8Array;
  /** The answers of the leader about single needles count only if its sizes have not changed since. */
  readonly needsUnchanged: boolean;
  /**
   * The leader's file must end there: else the last record, which is whole only so, would go on, and an entry of a record that
   * is not there would be one of a record that came later.
   */
  readonly needsTail: boolean;
  readonly lastDataOffset: number | undefined;
  readonly lastAppendAtNs: bigint | undefined;
  readonly damage: readonly LeaderDamage[];
  /** Whether nothing of the leader's, up to the tail of the sighting, is left to append. */
  readonly isLast: boolean;
}

/**
 * Gives the index entries of the steps of one append. Entries are derived from the records where that is certain;
 * the leader's own are read where it is not: records of size 0, bytes that make no record, sizes that disagree, and
 * small indexes, which cost nothing.
 */
export class StepSettler {
  readonly #run: VolumeRun;
  readonly #held: HeldGeneration;
  readonly #sighting: Sighting;
  #window: LeaderEntries | undefined;
  /** The layout of the last sound record: what the next step is framed as. */
  version: Version;

  constructor(run: VolumeRun, held: HeldGeneration, sighting: Sighting) {
    this.#run = run;
    this.#held = held;
    this.#sighting = sighting;
    this.version = sighting.status.version;
  }

  get tail(): number {
    return this.#sighting.tail;
  }

  /** How far a step may reach: as far as the window of the leader's entries does, where there is one. */
  async stepLimit(): Promise<number> {
    const isSmall = this.#sighting.status.idxSizeBytes <= this.#run.policy.smallIndexBytes;
    if (this.#window === undefined && (isSmall || this.#mayKnowNext)) await this.#readWindow();
    if (this.#window !== undefined && !this.#window.isWhole && this.#window.bytes.length === 0)
      await this.#readWindow();
    if (this.#window === undefined) return this.tail;
    return coveredOffset(this.#window, this.#start, this.tail, this.#width, this.version);
  }

  async settle(frames: StepFrames, receivedEnd: number): Promise<SettledStep> {
    const isSound = frames.trouble === undefined && frames.boundaryOffset === receivedEnd;
    const isLast = receivedEnd === this.tail;
    if (this.#window === undefined && isSound) {
      const derived = await this.#derive(frames, receivedEnd, isLast);
      if (derived !== undefined) return derived;
    }
    if (this.#window === undefined) await this.#readWindow();
    const entries = this.#windowEntries(receivedEnd, isLast);
    if (isSound && this.#agree(frames.entries, entries))
      return this.#step(frames, receivedEnd, entries, isLast);
    return await this.#settleByIndex(frames, receivedEnd);
  }

  /**
   * The entries to commit, after the fence. Where single needles were asked for and the leader has moved since, its
   * index tells after all. Between a status and its anchor a leader can lose its tail, and grow past it again: only one
   * that has not moved since has shown that its file ends there.
   */
  async confirm(step: SettledStep, isUnchanged: boolean): Promise<Uint8Array> {
    if (step.needsTail && !isUnchanged)
      throw stepVoided(this.#run.leaderCopy.volumeId, 'its tail has moved on', step.endOffset);
    if (!step.needsUnchanged || isUnchanged) return step.entries;
    await this.#readWindow();
    const entries = this.#windowEntries(step.endOffset, step.isLast);
    if (!this.#agree(step.entries, entries))
      throw stepVoided(this.#run.leaderCopy.volumeId, 'its index does not fit the records received');
    return entries;
  }

  /** After a commit: what was committed leaves the window. */
  committed(): void {
    if (this.#window !== undefined)
      this.#window = entriesFrom(this.#window, this.#held.position.idxSizeBytes);
  }

  /** Where bytes that make no whole 8 lie behind the tail, the last record is cut short, not of a shorter layout. */
  get #shortestLayout(): Version {
    return this.tail < this.#sighting.status.datSizeBytes ? this.version : 2;
  }

  /** Our index may have entries already of what lay behind the last whole record: they cannot be derived. */
  get #mayKnowNext(): boolean {
    return this.#held.position.leaderTailBytes > 0;
  }

  get #start(): number {
    return this.#held.position.datSizeBytes;
  }

  get #width() {
    return this.#held.position.offsetWidthBytes;
  }

  async #readWindow(): Promise<void> {
    const end = this.#sighting.status.idxSizeBytes;
    if (end < this.#held.position.idxSizeBytes)
      throw stepVoided(
        this.#run.leaderCopy.volumeId,
        'its index has fewer entries than ours: it was rewritten',
      );
    this.#window = await readLeaderEntries(this.#run, this.#held.position.idxSizeBytes, end, this.#width);
  }

  #windowEntries(endOffset: number, isLast: boolean): Uint8Array {
    const window = this.#window as LeaderEntries;
    if (isLast && window.isWhole) return window.bytes;
    const length = entriesBefore(window, this.#start, endOffset, this.tail, this.#width);
    return window.bytes.subarray(0, length);
  }

  /** Entries without the leader's index; `undefined` where only that can tell. */
  async #derive(frames: StepFrames, endOffset: number, isLast: boolean): Promise<SettledStep | undefined> {
    const committed = this.#held.position.idxSizeBytes;
    const isExpectedSize = committed + frames.entries.length === this.#sighting.status.idxSizeBytes;
    if (isLast && !isExpectedSize) return undefined;
    if (frames.sizeZero.length === 0) return this.#step(frames, endOffset, frames.entries, isLast);
    if (!isLast || frames.sizeZero.length > ASKED_NEEDLES_MAX) return undefined;
    const entries = await this.#askNeedles(frames);
    return entries && { ...this.#step(frames, endOffset, entries, isLast), needsUnchanged: true };
  }

  /** Asks the leader about each needle whose last record has size 0. */
  async #askNeedles(frames: StepFrames): Promise<Uint8Array | undefined> {
    const entries = frames.entries.slice();
    for (const record of frames.sizeZero) {
      if (!isLastOfItsNeedle(record, entries, this.#width)) return undefined;
      const isLive = await this.#run.volume.isNeedleLive(record.needleId, this.#run.signal);
      const entry = parseIdxEntry(entries, record.entryOffset, this.#width);
      writeIdxEntry({ ...entry, sizeBytes: isLive ? 0 : -1 }, this.#width, entries, record.entryOffset);
    }
    return entries;
  }

  /** Whether the leader's entries are those of the records, but for what a size of 0 means. */
  #agree(derived: Uint8Array, leaders: Uint8Array): boolean {
    if (derived.length !== leaders.length) return false;
    const entrySize = idxEntrySizeBytes(this.#width);
    for (let at = 0; at < derived.length; at += entrySize) {
      const ours = parseIdxEntry(derived, at, this.#width);
      const theirs = parseIdxEntry(leaders, at, this.#width);
      const isSameSize =
        ours.sizeBytes <= 0
          ? theirs.sizeBytes === 0 || theirs.sizeBytes === -1
          : ours.sizeBytes === theirs.sizeBytes;
      if (ours.needleId !== theirs.needleId || ours.offset !== theirs.offset || !isSameSize) return false;
    }
    return true;
  }

  #step(frames: StepFrames, endOffset: number, entries: Uint8Array, isLast: boolean): SettledStep {
    const { lastDataOffset, lastAppendAtNs } = frames;
    return {
      endOffset,
      entries,
      needsUnchanged: false,
      needsTail: false,
      lastDataOffset,
      lastAppendAtNs,
      damage: [],
      isLast,
    };
  }

  /**
   * The leader's index tells the layout: each record that it speaks of is examined where it says, everything between
   * is kept as it is. What is bad in two equal readings is the leader's damage.
   */
  async #settleByIndex(frames: StepFrames, receivedEnd: number): Promise<SettledStep> {
    const expected = expectedRecords(this.#window as LeaderEntries, this.#start, this.tail, this.#width);
    const isUnspokenOf = expected.every((record) => record.offset >= receivedEnd);
    // Whole records that no entry speaks of are a step as they are.
    const isWhole = isUnspokenOf && frames.boundaryOffset > this.#start;
    const end = isWhole ? receivedEnd : await this.#receiveOneRegion(expected, receivedEnd);
    const isLast = end === this.tail;
    const damage: LeaderDamage[] = [];
    let endOffset = Math.min(frames.boundaryOffset, end);
    const { version } = this.#sighting.status;
    let needsTail = isLast && expected.some((record) => this.#isCut(record));
    let { lastDataOffset, lastAppendAtNs } = frames;
    for (const [i, record] of expected.entries()) {
      const next = expected[i + 1]?.offset ?? this.tail;
      if (record.offset > end) break;
      endOffset = Math.max(endOffset, record.offset);
      if (record.offset === end || (next > end && !isLast)) break;
      if (this.#isCut(record)) continue;
      const result = await examineRecord(
        this.#held.pending,
        record,
        this.version,
        this.tail,
        this.#run.env.crc32c,
      );
      if (result.kind === 'sound') {
        needsTail ||= record.offset + recordLengthBytes(version, record.sizeBytes) > this.tail;
        this.version = result.version;
        lastAppendAtNs = result.record.appendAtNs;
        if (record.sizeBytes > 0) lastDataOffset = record.offset;
        endOffset = Math.max(endOffset, isLast ? record.offset + result.record.lengthBytes : next);
      } else if (record.offset + recordLengthBytes(this.version, record.sizeBytes) <= this.tail) {
        damage.push(await this.#damageOf(record, Math.min(next, end), result.reason));
        endOffset = Math.max(endOffset, Math.min(next, end));
      }
    }
    const bounds = { version, startOffset: endOffset, endOffset: isLast ? this.tail : endOffset };
    const rest = await frameRest(this.#held.pending, bounds, this.#run.env.crc32c);
    return {
      endOffset: rest.endOffset,
      entries: this.#windowEntries(rest.endOffset, isLast),
      needsUnchanged: false,
      needsTail,
      lastDataOffset: rest.lastDataOffset ?? lastDataOffset,
      lastAppendAtNs: rest.lastAppendAtNs ?? lastAppendAtNs,
      damage,
      isLast,
    };
  }

  /** Whether the leader's file ends before the record does, in whichever layout. */
  #isCut({ offset, sizeBytes }: ExpectedRecord): boolean {
    return offset + recordLengthBytes(this.#shortestLayout, sizeBytes) > this.tail;
  }

  /** Fetches on until at least one region, from a record to the next one, is whole; returns where that ends. */
  async #receiveOneRegion(expected: readonly ExpectedRecord[], receivedEnd: number): Promise<number> {
    // An index can be ahead of its data: behind the tail there is nothing to be fetched.
    const next = expected.find((record) => record.offset > this.#start)?.offset ?? this.tail;
    const boundary = Math.min(next, this.tail);
    if (boundary <= receivedEnd) return receivedEnd;
    await receive(this.#run, this.#held, receivedEnd, boundary);
    return boundary;
  }

  async #damageOf(record: ExpectedRecord, endOffset: number, reason: string): Promise<LeaderDamage> {
    const { offset, needleId } = record;
    if (!(await isSameOnLeader(this.#run, this.#held.pending, offset, endOffset)))
      throw stepVoided(this.#run.leaderCopy.volumeId, 'a bad record reads differently', offset);
    return { offset, needleId: needleId.toString(), reason };
  }
}

function isLastOfItsNeedle(record: SizeZeroRecord, entries: Uint8Array, width: 4 | 5): boolean {
  const entrySize = idxEntrySizeBytes(width);
  for (let at = record.entryOffset + entrySize; at < entries.length; at += entrySize)
    if (parseIdxEntry(entries, at, width).needleId === record.needleId) return false;
  return true;
}
