/** Values of one digit. */
const RADIX = 65_536;
/** Fewer items are compared with each other sooner than the values of a digit are counted. */
const LEAST_COUNTED_ITEMS = 4_096;

/** 0, 1, … count − 1. */
export function itemNumbers(count: number): Uint32Array {
  const numbers = new Uint32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = i;
  return numbers;
}

/**
 * Sorts `order`, a list of item numbers, by a key of `digitCount` digits of 16 bits, digit 0 the lowest. Stable: items
 * of equal keys stay as they were. Needs 4 bytes an item besides.
 */
export function sortOrder(
  order: Uint32Array,
  digitCount: number,
  digitOf: (item: number, digit: number) => number,
): void {
  if (order.length < LEAST_COUNTED_ITEMS) {
    order.sort((a, b) => {
      let difference = 0;
      for (let digit = digitCount - 1; digit >= 0 && difference === 0; digit--)
        difference = digitOf(a, digit) - digitOf(b, digit);
      return difference;
    });
    return;
  }
  let from = order;
  let to: Uint32Array = new Uint32Array(order.length);
  const starts = new Uint32Array(RADIX + 1);
  for (let digit = 0; digit < digitCount; digit++) {
    starts.fill(0);
    for (const item of from) starts[digitOf(item, digit) + 1]!++;
    const sameForAll = from.length === 0 || starts[digitOf(from[0]!, digit) + 1] === from.length;
    if (sameForAll) continue;
    for (let value = 1; value <= RADIX; value++) starts[value]! += starts[value - 1]!;
    for (const item of from) to[starts[digitOf(item, digit)]!++] = item;
    [from, to] = [to, from];
  }
  if (from !== order) order.set(from);
}
