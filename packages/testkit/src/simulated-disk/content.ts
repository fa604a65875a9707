import type { Random } from '@holdfast/format';

/** What a disk writes whole or not at all: a sector, or as little as a bus moves at once. */
export type TearSizeBytes = 8 | 512;

/** A change that a file has and the platter may not. */
type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly sizeBytes: number }
  | { readonly kind: 'extend'; readonly sizeBytes: number };

/** The bytes of one file, twice: as a reader sees them, and as they are after a power failure. */
export interface SimulatedContent {
  readonly visible: Uint8Array;
  readonly durable: Uint8Array;
  write(offset: number, bytes: Uint8Array): void;
  truncate(sizeBytes: number): void;
  sync(): void;
  /**
   * A sync that failed: some sectors came through, the others never will by a later sync, though they go on being
   * read. Only bytes that are written anew can become durable.
   */
  failSync(random: Random): void;
  /** Makes bytes unreadable, for good. */
  spoil(offset: number, lengthBytes: number): void;
  isSpoiled(offset: number, lengthBytes: number): boolean;
  /** A bit rots, on the platter and in what is read. */
  flip(offset: number, bit: number): void;
  /** The power failed: of what was not synced each piece of `tearBytes` survives, or does not, as `survives` says. */
  losePower(survives: () => boolean, tearBytes: TearSizeBytes): void;
}

export function createSimulatedContent(): SimulatedContent {
  const visible = createGrowingBytes();
  const durable = createGrowingBytes();
  let unsynced: Change[] = [];
  let spoiled: { readonly start: number; readonly end: number }[] | undefined;

  function settle(survives: () => boolean, tearBytes: TearSizeBytes): void {
    for (const change of unsynced) {
      if (change.kind === 'truncate') {
        if (survives()) durable.resize(change.sizeBytes);
      } else if (change.kind === 'extend') {
        // The new length may come through without the bytes: zeros are read there then.
        if (survives()) durable.resize(Math.max(durable.sizeBytes, change.sizeBytes));
      } else {
        for (const [offset, bytes] of piecesOf(change.offset, change.bytes, tearBytes))
          if (survives()) durable.write(offset, bytes);
      }
    }
    unsynced = [];
  }

  return {
    get visible() {
      return visible.bytes;
    },
    get durable() {
      return durable.bytes;
    },
    write(offset, bytes) {
      const kept = bytes.slice();
      const sizeBytes = offset + kept.length;
      if (sizeBytes > visible.sizeBytes) unsynced.push({ kind: 'extend', sizeBytes });
      visible.write(offset, kept);
      unsynced.push({ kind: 'write', offset, bytes: kept });
    },
    truncate(sizeBytes) {
      visible.resize(sizeBytes);
      unsynced.push({ kind: 'truncate', sizeBytes });
    },
    sync() {
      for (const change of unsynced) {
        if (change.kind === 'write') durable.write(change.offset, change.bytes);
        else if (change.kind === 'truncate') durable.resize(change.sizeBytes);
      }
      unsynced = [];
    },
    failSync(random) {
      settle(() => random.nextFloat() < 0.5, 512);
    },
    spoil(offset, lengthBytes) {
      spoiled = [...(spoiled ?? []), { start: offset, end: offset + lengthBytes }];
    },
    isSpoiled: (offset, lengthBytes) =>
      spoiled?.some(({ start, end }) => offset < end && offset + lengthBytes > start) ?? false,
    flip(offset, bit) {
      for (const { bytes } of [visible, durable])
        if (offset < bytes.length) bytes[offset] = bytes[offset]! ^ (1 << bit);
    },
    losePower(survives, tearBytes) {
      settle(survives, tearBytes);
      visible.resize(0);
      visible.write(0, durable.bytes);
    },
  };
}

interface GrowingBytes {
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
  write(offset: number, added: Uint8Array): void;
  resize(sizeBytes: number): void;
}

const FIRST_CAPACITY_BYTES = 256;

/** Grows by doubling, so that many small writes into a large file stay cheap; a hole reads as zeros. */
function createGrowingBytes(): GrowingBytes {
  let buffer = new Uint8Array(0);
  let sizeBytes = 0;

  function resize(newSizeBytes: number): void {
    if (newSizeBytes > buffer.length) {
      const grown = new Uint8Array(Math.max(newSizeBytes, 2 * buffer.length, FIRST_CAPACITY_BYTES));
      grown.set(buffer.subarray(0, sizeBytes));
      buffer = grown;
    } else if (newSizeBytes < sizeBytes) buffer.fill(0, newSizeBytes, sizeBytes);
    sizeBytes = newSizeBytes;
  }

  return {
    get bytes() {
      return buffer.subarray(0, sizeBytes);
    },
    get sizeBytes() {
      return sizeBytes;
    },
    write(offset, added) {
      if (offset + added.length > sizeBytes) resize(offset + added.length);
      buffer.set(added, offset);
    },
    resize,
  };
}

function* piecesOf(
  offset: number,
  bytes: Uint8Array,
  tearBytes: TearSizeBytes,
): Generator<readonly [number, Uint8Array]> {
  let at = 0;
  while (at < bytes.length) {
    const length = Math.min(tearBytes - ((offset + at) % tearBytes), bytes.length - at);
    yield [offset + at, bytes.subarray(at, at + length)];
    at += length;
  }
}
