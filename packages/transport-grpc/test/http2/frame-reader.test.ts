import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, frameFlags, frameTypes } from '../../src/http2/frame.js';
import { createFrameReader } from '../../src/http2/frame-reader.js';

/** What a reader tells, the parts of each DATA frame put together. */
function readAll(pieces: Iterable<Uint8Array>): unknown[] {
  const told: unknown[] = [];
  let data: number[] = [];
  const read = createFrameReader({
    begins: ({ type, streamId }) => told.push(['begins', type, streamId]),
    data: (_streamId, part) => data.push(...part),
    ends(header, payload) {
      told.push(['ends', header, [...payload], data]);
      data = [];
    },
  });
  for (const piece of pieces) read(piece);
  return told;
}

const frame = fc.oneof(
  fc
    .record({ payload: fc.uint8Array({ maxLength: 40 }), padding: fc.option(fc.nat(20)) })
    .map(({ payload, padding }) =>
      padding === null
        ? encodeFrame(frameTypes.data, 0, 1, payload)
        : encodeFrame(
            frameTypes.data,
            frameFlags.padded,
            1,
            Buffer.concat([Buffer.of(padding), payload, Buffer.alloc(padding)]),
          ),
    ),
  fc
    .record({
      type: fc.integer({ min: 1, max: 20 }),
      streamId: fc.nat(5),
      payload: fc.uint8Array({ maxLength: 40 }),
    })
    .map(({ type, streamId, payload }) => encodeFrame(type, 0, streamId, payload)),
);

describe('createFrameReader', () => {
  it('tells the same however its bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
        (frames, sizes) => {
          const bytes = Buffer.concat(frames);
          const pieces: Uint8Array[] = [];
          for (let at = 0; at < bytes.length; ) {
            const size = sizes.next().value ?? 1;
            pieces.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(readAll(pieces)).toEqual(readAll([bytes]));
          expect(readAll([bytes]).length).toBe(2 * frames.length);
        },
      ),
    );
  });

  it('gives the data of a padded frame without its padding', () => {
    const bytes = encodeFrame(frameTypes.data, frameFlags.padded, 1, Buffer.from([3, 7, 8, 0, 0, 0]));
    expect(readAll([bytes]).at(-1)).toMatchObject(['ends', { lengthBytes: 6 }, [], [7, 8]]);
  });

  it('refuses a frame that is all padding', () => {
    const bytes = encodeFrame(frameTypes.data, frameFlags.padded, 1, Buffer.from([2, 0]));
    expect(() => readAll([bytes])).toThrow(expect.objectContaining({ code: 'PROTOCOL_ERROR' }));
  });
});
