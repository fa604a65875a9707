import type { RandomAccess } from '@holdfast/index';

/** The first `sizeBytes()` bytes of `source`, whatever lies behind them. */
export function boundedAccess(source: Pick<RandomAccess, 'readAt'>, sizeBytes: () => number): RandomAccess {
  return {
    sizeBytes: async () => sizeBytes(),
    readAt(offset, lengthBytes) {
      if (offset < 0 || lengthBytes < 0) throw new RangeError('offset and length must not be negative');
      return source.readAt(offset, Math.max(0, Math.min(lengthBytes, sizeBytes() - offset)));
    },
  };
}
