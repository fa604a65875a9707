import type { Random } from '@holdfast/format';

/** The same numbers for the same seed, on every machine (xorshift128 out of a seed spread by a mixing step). */
export function createSeededRandom(seed: number): Random {
  let mix = seed >>> 0;
  const spread = (): number => {
    mix = (mix + 0x9e3779b9) >>> 0;
    let value = mix;
    value = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
    value = Math.imul(value ^ (value >>> 15), 0x735a2d97);
    return (value ^ (value >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [spread(), spread(), spread(), spread() | 1];
  const nextUint32 = (): number => {
    const mixed = (d ^ (d << 11)) >>> 0;
    d = c;
    c = b;
    b = a;
    a = (a ^ (a >>> 19) ^ mixed ^ (mixed >>> 8)) >>> 0;
    return a;
  };
  return {
    nextFloat: () => nextUint32() / 2 ** 32,
    bytes(lengthBytes) {
      const bytes = new Uint8Array(lengthBytes);
      for (let at = 0; at < lengthBytes; at++) bytes[at] = nextUint32() >>> 24;
      return bytes;
    },
  };
}
