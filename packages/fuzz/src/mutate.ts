import type { Dice } from './dice.js';

/** No input is longer: what only length can show is shown by longer runs on purpose. */
const INPUT_BYTES_MAX = 1 << 16;
const EDITS_MAX = 6;

/** Values at which sizes, offsets and signs turn over. */
const TURNING_POINTS: readonly bigint[] = [
  0n,
  1n,
  7n,
  8n,
  16n,
  0x7fn,
  0x80n,
  0xffn,
  0x100n,
  0x7fffn,
  0xffffn,
  0x10000n,
  0x7fff_fff8n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1f_ffff_ffff_ffffn,
  0x7fff_ffff_ffff_ffffn,
  0xffff_ffff_ffff_ffffn,
];
const FIELD_BYTES = [1, 2, 4, 8] as const;

type Edit = (bytes: Uint8Array, dice: Dice, others: readonly Uint8Array[]) => Uint8Array;

/** Every edit as often as another; what a decoder reads as a length is meant by two of them. */
const EDITS: readonly Edit[] = [
  flipBit,
  setByte,
  setTurningPoint,
  setLengthNearRest,
  insert,
  remove,
  repeat,
  cut,
  overwriteWithZeros,
  splice,
  exchange,
  setDigits,
];

/** One of the seeds with up to six edits. Never longer than 64 KiB. */
export function mutate(dice: Dice, seeds: readonly Uint8Array[]): Uint8Array {
  let bytes: Uint8Array = dice.pick(seeds).slice(0, INPUT_BYTES_MAX);
  for (let edits = 1 + dice.below(EDITS_MAX); edits > 0; edits--) {
    bytes = dice.pick(EDITS)(bytes, dice, seeds);
    if (bytes.length > INPUT_BYTES_MAX) bytes = bytes.slice(0, INPUT_BYTES_MAX);
  }
  return bytes;
}

function flipBit(bytes: Uint8Array, dice: Dice): Uint8Array {
  if (bytes.length > 0) bytes[dice.below(bytes.length)]! ^= 1 << dice.below(8);
  return bytes;
}

function setByte(bytes: Uint8Array, dice: Dice): Uint8Array {
  if (bytes.length > 0) bytes[dice.below(bytes.length)] = dice.below(256);
  return bytes;
}

function setTurningPoint(bytes: Uint8Array, dice: Dice): Uint8Array {
  return setField(bytes, dice, () => turningPoint(dice));
}

export function turningPoint(dice: Dice): bigint {
  return dice.pick(TURNING_POINTS) + BigInt(dice.below(3) - 1);
}

/** A length that fits, or just does not fit, what follows it. */
function setLengthNearRest(bytes: Uint8Array, dice: Dice): Uint8Array {
  return setField(bytes, dice, (restBytes) => BigInt(restBytes + dice.below(33) - 16));
}

function setField(bytes: Uint8Array, dice: Dice, valueFor: (restBytes: number) => bigint): Uint8Array {
  const width = dice.pick(FIELD_BYTES);
  if (bytes.length < width) return bytes;
  const at = dice.below(bytes.length - width + 1);
  const value = valueFor(bytes.length - at - width);
  const isLittleEndian = dice.once(4);
  for (let i = 0; i < width; i++) {
    const place = isLittleEndian ? i : width - 1 - i;
    bytes[at + place] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
  return bytes;
}

function insert(bytes: Uint8Array, dice: Dice): Uint8Array {
  const at = dice.below(bytes.length + 1);
  return joined(bytes.subarray(0, at), dice.bytes(1 + dice.below(24)), bytes.subarray(at));
}

function remove(bytes: Uint8Array, dice: Dice): Uint8Array {
  const [start, end] = stretch(bytes, dice);
  return joined(bytes.subarray(0, start), bytes.subarray(end));
}

function repeat(bytes: Uint8Array, dice: Dice): Uint8Array {
  const [start, end] = stretch(bytes, dice);
  return joined(bytes.subarray(0, end), bytes.subarray(start));
}

function cut(bytes: Uint8Array, dice: Dice): Uint8Array {
  return bytes.slice(0, dice.below(bytes.length + 1));
}

function overwriteWithZeros(bytes: Uint8Array, dice: Dice): Uint8Array {
  return bytes.fill(0, ...stretch(bytes, dice));
}

function splice(bytes: Uint8Array, dice: Dice, others: readonly Uint8Array[]): Uint8Array {
  const other = dice.pick(others);
  return joined(
    bytes.subarray(0, dice.below(bytes.length + 1)),
    other.subarray(dice.below(other.length + 1)),
  );
}

/** Two stretches of one length change places. */
function exchange(bytes: Uint8Array, dice: Dice): Uint8Array {
  const [start, end] = stretch(bytes, dice);
  const to = dice.below(bytes.length - (end - start) + 1);
  const [first, second] = [bytes.slice(start, end), bytes.slice(to, to + end - start)];
  bytes.set(second, start);
  bytes.set(first, to);
  return bytes;
}

/** In a text: a number becomes one of the turning points. */
function setDigits(bytes: Uint8Array, dice: Dice): Uint8Array {
  const isDigit = (at: number): boolean => bytes[at]! >= 0x30 && bytes[at]! <= 0x39;
  const from = dice.below(bytes.length + 1);
  let start = from;
  while (start < bytes.length && !isDigit(start)) start++;
  let end = start;
  while (end < bytes.length && isDigit(end)) end++;
  if (start === end) return bytes;
  const sign = dice.once(4) ? '-' : '';
  const digits = new TextEncoder().encode(`${sign}${dice.pick(TURNING_POINTS)}`);
  return joined(bytes.subarray(0, start), digits, bytes.subarray(end));
}

function stretch(bytes: Uint8Array, dice: Dice): [number, number] {
  const start = dice.below(bytes.length + 1);
  const longest = dice.once(8) ? bytes.length : 32;
  return [start, Math.min(bytes.length, start + dice.below(longest + 1))];
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
