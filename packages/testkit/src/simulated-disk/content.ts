import type { Random } from '@holdfast/format';

/** What a disk writes whole or not at all. */
export const SECTOR_SIZE_BYTES = 512;

/** A change that a file has and the platter may not. */
type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

/** The bytes of one file, twice: as a reader sees them, and as they are after a power failure. */
export interface SimulatedContent {
  readonly visible: Uint8Array;
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
  /** The power failed: what was not synced survives sector by sector, as `survives` says. */
  losePower(survives: () => boolean): void;
}

export function createSimulatedContent(): SimulatedContent {
  let visible = new Uint8Array(0);
  let durable = new Uint8Array(0);
  let unsynced: Change[] = [];
  const spoiled: { readonly start: number; readonly end: number }[] = [];

  function settle(survives: () => boolean): void {
    for (const change of unsynced) {
      if (change.kind === 'truncate') {
        if (survives()) durable = resized(durable, change.sizeBytes);
        continue;
      }
      for (const [offset, bytes] of sectorsOf(change.offset, change.bytes))
        if (survives()) durable = written(durable, offset, bytes);
    }
    unsynced = [];
  }

  return {
    get visible() {
      return visible;
    },
    write(offset, bytes) {
      const kept = bytes.slice();
      visible = written(visible, offset, kept);
      unsynced.push({ kind: 'write', offset, bytes: kept });
    },
    truncate(sizeBytes) {
      visible = resized(visible, sizeBytes);
      unsynced.push({ kind: 'truncate', sizeBytes });
    },
    sync() {
      settle(() => true);
    },
    failSync(random) {
      settle(() => random.nextFloat() < 0.5);
    },
    spoil(offset, lengthBytes) {
      spoiled.push({ start: offset, end: offset + lengthBytes });
    },
    isSpoiled: (offset, lengthBytes) =>
      spoiled.some(({ start, end }) => offset < end && offset + lengthBytes > start),
    losePower(survives) {
      settle(survives);
      visible = durable.slice();
    },
  };
}

function* sectorsOf(offset: number, bytes: Uint8Array): Generator<readonly [number, Uint8Array]> {
  let at = 0;
  while (at < bytes.length) {
    const length = Math.min(SECTOR_SIZE_BYTES - ((offset + at) % SECTOR_SIZE_BYTES), bytes.length - at);
    yield [offset + at, bytes.subarray(at, at + length)];
    at += length;
  }
}

function resized(bytes: Uint8Array<ArrayBuffer>, sizeBytes: number): Uint8Array<ArrayBuffer> {
  if (sizeBytes <= bytes.length) return bytes.slice(0, sizeBytes);
  const longer = new Uint8Array(sizeBytes);
  longer.set(bytes);
  return longer;
}

/** In place where it fits, so that many small writes into a large file stay cheap. */
function written(into: Uint8Array<ArrayBuffer>, offset: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const endOffset = offset + bytes.length;
  const whole = endOffset > into.length ? resized(into, endOffset) : into;
  whole.set(bytes, offset);
  return whole;
}
