import { FormatError } from './errors.js';

/**
 * A time to live as stored: `count` (0 to 255) of `unit` (0 none, 1 minute, 2 hour, 3 day, 4 week, 5 month of 30
 * days, 6 year of 365 days). Both are kept as found, so that writing gives the same two bytes; a count of 0 and an
 * unknown unit mean none (format.md §3).
 */
export interface Ttl {
  readonly count: number;
  readonly unit: number;
}

export const NO_TTL: Ttl = Object.freeze({ count: 0, unit: 0 });

const LETTERS = ['', 'm', 'h', 'd', 'w', 'M', 'y'] as const;
const DAY_SECONDS = 86_400;
const UNIT_SECONDS = [
  0,
  60,
  3_600,
  DAY_SECONDS,
  7 * DAY_SECONDS,
  30 * DAY_SECONDS,
  365 * DAY_SECONDS,
] as const;
const SMALLEST_UNIT = 1;
const LARGEST_UNIT = 6;
const MAX_COUNT = 255;

/** Seconds, 0 for none. */
export function ttlSeconds(ttl: Ttl): number {
  return ttl.count * (UNIT_SECONDS[ttl.unit] ?? 0);
}

/**
 * `<count><m|h|d|w|M|y>`, digits alone are minutes, `""` is none; brought to the server's normal form: the largest
 * unit that divides it exactly with a count below 256, else the smallest unit whose truncated count is below 256
 * (format.md §3). Fails with `bad-ttl`, also for more than 255 years.
 */
export function parseTtl(text: string): Ttl {
  if (text === '') return NO_TTL;
  const match = /^([0-9]{1,10})([mhdwMy]?)$/.exec(text);
  if (match === null) throw badTtl(text);
  const unit = LETTERS.indexOf((match[2] || 'm') as (typeof LETTERS)[number]);
  const seconds = Number(match[1]) * UNIT_SECONDS[unit]!;
  if (seconds === 0) return NO_TTL;
  for (let exact = LARGEST_UNIT; exact >= SMALLEST_UNIT; exact--) {
    const count = seconds / UNIT_SECONDS[exact]!;
    if (Number.isInteger(count) && count <= MAX_COUNT) return { count, unit: exact };
  }
  for (let near = SMALLEST_UNIT; near <= LARGEST_UNIT; near++) {
    const count = Math.trunc(seconds / UNIT_SECONDS[near]!);
    if (count <= MAX_COUNT) return { count, unit: near };
  }
  throw badTtl(text);
}

function badTtl(text: string): FormatError {
  return new FormatError('bad-ttl', `not a ttl: ${JSON.stringify(text)}`, {
    expected: 'digits and one of m h d w M y, at most 255 years',
    found: text,
  });
}

/** The text form, `""` for none. */
export function formatTtl(ttl: Ttl): string {
  return ttlSeconds(ttl) === 0 ? '' : `${ttl.count}${LETTERS[ttl.unit]}`;
}

/** As the protobuf field holds it: count·256 + unit. */
export function ttlToUint32(ttl: Ttl): number {
  return (ttl.count << 8) | ttl.unit;
}

/** The reverse of `ttlToUint32`; higher bits are ignored. */
export function ttlFromUint32(value: number): Ttl {
  return { count: (value >>> 8) & 0xff, unit: value & 0xff };
}

/** The two bytes at `at`: count, unit. */
export function ttlFromBytes(bytes: Uint8Array, at = 0): Ttl {
  return { count: bytes[at]!, unit: bytes[at + 1]! };
}

/** Writes the two bytes at `at`. */
export function writeTtl(ttl: Ttl, into: Uint8Array, at = 0): void {
  into[at] = ttl.count;
  into[at + 1] = ttl.unit;
}
