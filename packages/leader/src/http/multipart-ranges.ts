import type { ByteRange } from './byte-range.js';
import type { Content } from './content.js';

/** Several ranges as one body (RFC 9110 §14.6), its boundary one that nobody could know before. */
export interface MultipartRanges {
  readonly contentType: string;
  readonly lengthBytes: number;
  pieces(content: Content): AsyncGenerator<Uint8Array>;
}

export function createMultipartRanges(
  ranges: readonly ByteRange[],
  sizeBytes: number,
  partType: string | undefined,
  boundary: string,
): MultipartRanges {
  const encoder = new TextEncoder();
  const typeLine = partType === undefined ? '' : `Content-Type: ${partType}\r\n`;
  const heads = ranges.map(({ start, end }, i) =>
    encoder.encode(
      `${i === 0 ? '' : '\r\n'}--${boundary}\r\n${typeLine}Content-Range: bytes ${start}-${end - 1}/${sizeBytes}\r\n\r\n`,
    ),
  );
  const tail = encoder.encode(`\r\n--${boundary}--\r\n`);
  const lengthBytes = ranges.reduce(
    (sum, { start, end }, i) => sum + heads[i]!.length + end - start,
    tail.length,
  );

  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    lengthBytes,
    async *pieces(content) {
      const { bytes } = content;
      if (bytes !== undefined) {
        for (const [i, { start, end }] of ranges.entries()) yield* [heads[i]!, bytes.subarray(start, end)];
        yield tail;
        return;
      }
      const first = ranges[0]!.start;
      let at = first;
      let next = 0;
      for await (const piece of content.read({ start: first, end: ranges.at(-1)!.end })) {
        for (; next < ranges.length; next++) {
          const { start, end } = ranges[next]!;
          const cut = piece.subarray(Math.max(0, start - at), Math.max(0, end - at));
          if (start >= at && start < at + piece.length) yield heads[next]!;
          if (cut.length > 0) yield cut;
          if (end > at + piece.length) break;
        }
        at += piece.length;
      }
      yield tail;
    },
  };
}
