import { joined } from './mutate.js';

/** Several byte strings as one input: a length before each but the last. */
export function packParts(parts: readonly Uint8Array[]): Uint8Array {
  const pieces = parts.slice(0, -1).flatMap((part) => {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, part.length);
    return [length, part];
  });
  return joined(...pieces, parts.at(-1)!);
}

/** The reverse. Any bytes are `count` parts: a length that is too great ends where the input does. */
export function unpackParts(input: Uint8Array, count: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (let i = 1; i < count; i++) {
    const header = input.subarray(at, at + 4);
    const length = header.reduce((sum, byte) => sum * 256 + byte, 0);
    at += header.length;
    parts.push(input.slice(at, at + length));
    at = Math.min(input.length, at + length);
  }
  parts.push(input.slice(at));
  return parts;
}
