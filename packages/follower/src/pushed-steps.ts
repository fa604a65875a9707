import { idxEntrySizeBytes, parseIdxEntry } from '@holdfast/format';
import type { FollowEvent } from '@holdfast/protocol';
import type { HeldGeneration } from '@holdfast/store';
import { countLive } from './count-live.js';
import { type FollowError, stepVoided } from './errors.js';
import { equalBytes } from './leader-read.js';
import { makeRoom } from './make-room.js';
import type { VolumeRun } from './run.js';
import { StepFrames } from './step-frames.js';

/** A line of history for each second says enough: within one the stamps of the records do (docs/restore.md). */
const HISTORY_PAUSE_MS = 1_000;
/** Deletions come singly, and to count what is left the whole index is read: no more of the time goes into it. */
const COUNT_SHARE = 0.05;

type DurableEvent = Extract<FollowEvent, { kind: 'durable' }>;

/** What a leader pushes, as steps of the held generation: each up to a `durable` event, each checked as in a sync. */
export class PushedSteps {
  readonly #run: VolumeRun;
  readonly #held: HeldGeneration;
  #frames: StepFrames;
  #fenced: readonly DurableEvent[] = [];
  #historyAtMs = Number.NEGATIVE_INFINITY;
  #countAtMs = Number.NEGATIVE_INFINITY;
  #isCountOwed = false;

  constructor(run: VolumeRun, held: HeldGeneration) {
    this.#run = run;
    this.#held = held;
    this.#frames = this.#newFrames();
  }

  /** Whether nothing has come that is not committed. */
  get isClean(): boolean {
    return this.#frames.wantedOffset === this.#held.position.datSizeBytes;
  }

  async take(bytes: Uint8Array): Promise<void> {
    this.#frames.push(bytes);
    if (this.#frames.trouble !== undefined)
      throw this.#voided(`pushed bytes make no record: ${this.#frames.trouble.reason}`);
    await this.#held.write(bytes);
  }

  /** The leader says that what came is durable there, and which entries are its. */
  fence(event: DurableEvent): void {
    if (
      this.#frames.boundaryOffset !== event.datSizeBytes ||
      this.#frames.wantedOffset !== event.datSizeBytes
    )
      throw this.#voided(`it ends at ${event.datSizeBytes}, its records at ${this.#frames.boundaryOffset}`);
    this.#fenced = [...this.#fenced, event];
  }

  /** Makes everything up to the last fence durable, which is all that came. Gives how many bytes that were. */
  async commit(): Promise<number> {
    const held = this.#held;
    const { position } = held;
    const entries = joined(this.#fenced.map(({ idxEntries }) => idxEntries));
    this.#assertEntries(entries);
    const { boundaryOffset: datSizeBytes, lastDataOffset, lastAppendAtNs, sizeZero } = this.#frames;
    await makeRoom(this.#run, 0);
    const nowMs = this.#run.env.clock.monotonicMs();
    const isMinor = sizeZero.length === 0 && nowMs - this.#historyAtMs < HISTORY_PAUSE_MS;
    const next = {
      ...position,
      datSizeBytes,
      idxSizeBytes: position.idxSizeBytes + entries.length,
      proofOffset: lastDataOffset ?? position.proofOffset,
      lastAppendAtNs: lastAppendAtNs?.toString() ?? position.lastAppendAtNs,
      leaderTailBytes: 0,
    };
    await held.commit(entries, next, isMinor);
    if (!isMinor) this.#historyAtMs = nowMs;
    this.#isCountOwed ||= sizeZero.length > 0;
    this.#frames = this.#newFrames();
    this.#fenced = [];
    return datSizeBytes - position.datSizeBytes;
  }

  /** Counts the live needles where deletions came, for the loss guard; if that was done just now, later. */
  async countSometimes(): Promise<void> {
    const { clock } = this.#run.env;
    const startedAtMs = clock.monotonicMs();
    if (startedAtMs < this.#countAtMs) return;
    await this.#count();
    const nowMs = clock.monotonicMs();
    this.#countAtMs = nowMs + (nowMs - startedAtMs) / COUNT_SHARE;
  }

  /** Cuts what is not committed, and counts what is to be counted. */
  async end(): Promise<void> {
    if (this.#held.isFailed) return;
    await this.#held.rollback();
    await this.#count();
  }

  async #count(): Promise<void> {
    if (!this.#isCountOwed) return;
    await countLive(this.#run, this.#held);
    this.#isCountOwed = false;
  }

  #newFrames(): StepFrames {
    const { version, datSizeBytes, offsetWidthBytes } = this.#held.position;
    return new StepFrames(version, datSizeBytes, offsetWidthBytes, this.#run.env.crc32c);
  }

  /** The leader's entries are those that its records make; of a record of size 0 they tell what it is. */
  #assertEntries(entries: Uint8Array): void {
    const { entries: own, sizeZero } = this.#frames;
    if (entries.length !== own.length)
      throw this.#voided(`${entries.length} bytes of entries for records that make ${own.length}`);
    const width = this.#held.position.offsetWidthBytes;
    const entryBytes = idxEntrySizeBytes(width);
    let from = 0;
    for (const { needleId, entryOffset } of [...sizeZero, { needleId: 0n, entryOffset: own.length }]) {
      if (!equalBytes(entries.subarray(from, entryOffset), own.subarray(from, entryOffset)))
        throw this.#voided('its entries speak of other records');
      if (entryOffset === own.length) return;
      const told = parseIdxEntry(entries, entryOffset, width);
      const made = parseIdxEntry(own, entryOffset, width);
      const isOfIt = told.offset === made.offset || (told.offset === 0 && told.sizeBytes < 0);
      if (told.needleId !== needleId || !isOfIt || told.sizeBytes > 0)
        throw this.#voided(`the entry of needle ${needleId.toString(16)} is of another record`);
      from = entryOffset + entryBytes;
    }
  }

  #voided(what: string): FollowError {
    return stepVoided(this.#run.leaderCopy.volumeId, what, this.#held.position.datSizeBytes);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
