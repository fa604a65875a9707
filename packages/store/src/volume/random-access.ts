import type { RandomAccess } from '@holdfast/index';

/** Nothing: what an absent file reads as. */
export const EMPTY_ACCESS: RandomAccess = {
  sizeBytes: async () => 0,
  readAt: async () => new Uint8Array(0),
};

/** The first bytes of `source`, at most as many as `limitBytes()` says at the time. */
export function boundedAccess(source: RandomAccess, limitBytes: () => number): RandomAccess {
  return {
    sizeBytes: async () => Math.min(limitBytes(), await source.sizeBytes()),
    readAt: (offset, lengthBytes) =>
      source.readAt(offset, Math.max(0, Math.min(lengthBytes, limitBytes() - offset))),
  };
}

/** The first `limitBytes()` bytes of `source`, with zeros where it is shorter: padding that the last record lacks. */
export function paddedAccess(source: RandomAccess, limitBytes: () => number): RandomAccess {
  return {
    sizeBytes: async () => limitBytes(),
    async readAt(offset, lengthBytes) {
      const wantedBytes = Math.max(0, Math.min(lengthBytes, limitBytes() - offset));
      const bytes = await source.readAt(offset, wantedBytes);
      if (bytes.length === wantedBytes) return bytes;
      const padded = new Uint8Array(wantedBytes);
      padded.set(bytes);
      return padded;
    },
  };
}
