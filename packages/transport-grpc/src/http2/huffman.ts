import { Http2Error } from './http2-error.js';

const END_OF_STRING = 256;
const LONGEST_CODE_BITS = 30;

/**
 * How many bits each byte's code has, and that of the end of a string (RFC 7541, appendix B), as runs of
 * `bits` or `bits x times`. The code is canonical: lengths alone say all of it.
 */
const codeLengths =
  '13 23 28x7 24 30 28x2 30 28x8 30 28x9 6 10x2 12 13 6 8 11 10x2 8 11 8 6x3 5x3 6x7 7 8 15 6 12 10 13 6 ' +
  '7x22 8 7 8 13 19 13 14 6 15 5 6 5 6 5 6x3 5 7x2 6x3 5 6 7 6 5x2 6 7x5 15 11 14 13 28 20 22 20x2 22x3 23 ' +
  '22 23x5 24 23 24x2 22 23 24 23x4 21 22 23 22 23x2 24 22 21 20 22x2 23x2 21 23 22x2 24 21 22 23x2 21x2 22 ' +
  '21 23 22 23x2 20 22x3 23 22x2 23 26x2 20 19 22 23 22 25 26x3 27x2 26 24 25 19 21 26 27x2 26 27 24 21x2 ' +
  '26x2 28 27x3 20 24 20 21 22 21x2 23 22x2 25x2 24x2 26 23 26 27 26x2 27x5 28 27x5 26 30';

interface CodesOfLength {
  readonly firstCode: number;
  /** In the order of their codes. */
  readonly symbols: readonly number[];
}

const codesByLength = canonicalCodes(
  codeLengths.split(' ').flatMap((run) => {
    const [bits, times] = run.split('x');
    return Array<number>(Number(times ?? 1)).fill(Number(bits));
  }),
);

function canonicalCodes(lengths: readonly number[]): readonly CodesOfLength[] {
  const codes: CodesOfLength[] = [];
  let firstCode = 0;
  for (let bits = 0; bits <= LONGEST_CODE_BITS; bits++) {
    const symbols = [...lengths.keys()].filter((symbol) => lengths[symbol] === bits);
    codes.push({ firstCode, symbols });
    firstCode = (firstCode + symbols.length) * 2;
  }
  return codes;
}

/** Fails with `COMPRESSION_ERROR` on a code that ends a string, and on padding that is not up to seven ones. */
export function decodeHuffman(bytes: Uint8Array): Uint8Array {
  const decoded: number[] = [];
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let shift = 7; shift >= 0; shift--) {
      code = code * 2 + ((byte >>> shift) & 1);
      bits += 1;
      const codes = codesByLength[bits];
      if (codes === undefined) throw malformed();
      const symbol = codes.symbols[code - codes.firstCode];
      if (symbol === undefined) continue;
      if (symbol === END_OF_STRING) throw malformed();
      decoded.push(symbol);
      code = 0;
      bits = 0;
    }
  }
  if (bits > 7 || code !== 2 ** bits - 1) throw malformed();
  return Uint8Array.from(decoded);
}

function malformed(): Http2Error {
  return new Http2Error('COMPRESSION_ERROR', 'a header is not in the Huffman code');
}
