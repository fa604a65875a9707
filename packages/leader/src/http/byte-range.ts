/** Bytes [start, end). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a Range header asks for. `invalid` is no list of ranges, `unsatisfiable` one of which nothing is there. */
export type RequestedRanges =
  | { readonly kind: 'all' }
  | { readonly kind: 'ranges'; readonly ranges: readonly ByteRange[] }
  | { readonly kind: 'invalid' | 'unsatisfiable' | 'too-many' };

const ALL: RequestedRanges = { kind: 'all' };
const UNIT = 'bytes=';
const SPEC = /^[ \t]*(?:([0-9]{1,20})-([0-9]{0,20})|-([0-9]{1,20}))[ \t]*$/;

/**
 * The ranges of a Range header (RFC 9110 §14.2) in the order asked for, each cut at `sizeBytes`; those that begin past
 * the end are passed over. Another unit than bytes is no request for ranges, and neither is more than everything: then
 * `all`.
 */
export function parseRanges(header: string, sizeBytes: number, maxRanges: number): RequestedRanges {
  if (header.slice(0, UNIT.length).toLowerCase() !== UNIT) return ALL;
  const specs = header.slice(UNIT.length).split(',', maxRanges + 1);
  if (specs.length > maxRanges) return { kind: 'too-many' };
  const ranges: ByteRange[] = [];
  let askedBytes = 0;
  for (const spec of specs) {
    const range = parseSpec(spec, sizeBytes);
    if (range === undefined) return { kind: 'invalid' };
    if (range.end <= range.start) continue;
    ranges.push(range);
    askedBytes += range.end - range.start;
  }
  if (ranges.length === 0) return { kind: 'unsatisfiable' };
  return ranges.length > 1 && askedBytes > sizeBytes ? ALL : { kind: 'ranges', ranges };
}

/** An empty range where there is nothing of it, `undefined` for what is none. */
function parseSpec(spec: string, sizeBytes: number): ByteRange | undefined {
  const match = SPEC.exec(spec);
  if (match === null) return undefined;
  const [, first, last, suffix] = match;
  if (suffix !== undefined) return { start: Math.max(0, sizeBytes - Number(suffix)), end: sizeBytes };
  const start = Number(first);
  if (last === '') return { start, end: sizeBytes };
  if (Number(last) < start) return undefined;
  return { start, end: Math.min(sizeBytes, Number(last) + 1) };
}
