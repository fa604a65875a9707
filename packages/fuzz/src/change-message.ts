import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@holdfast/protocol';
import type { Dice } from './dice.js';
import { mutate, turningPoint } from './mutate.js';

/** A copy of a message of which one field, somewhere in it, says something else. */
export function changeMessage<D extends DescMessage>(
  description: D,
  message: MessageShape<D>,
  dice: Dice,
): MessageShape<D> {
  const copy = fromBinary(description, toBinary(description, message));
  changeField(copy as unknown as Record<string, unknown>, dice);
  return copy;
}

function changeField(fields: Record<string, unknown>, dice: Dice): void {
  const names = Object.keys(fields).filter((name) => !name.startsWith('$') && name !== 'case');
  if (names.length === 0) return;
  const name = dice.pick(names);
  const value = fields[name];
  if (typeof value === 'bigint') fields[name] = otherInteger(value, dice);
  else if (typeof value === 'number')
    fields[name] = Number(BigInt.asUintN(31, otherInteger(BigInt(value), dice)));
  else if (typeof value === 'boolean') fields[name] = !value;
  else if (typeof value === 'string') fields[name] = otherText(value, dice);
  else if (value instanceof Uint8Array) fields[name] = mutate(dice, [value]);
  else if (Array.isArray(value)) changeList(value, dice);
  else if (typeof value === 'object' && value !== null) changeField(value as Record<string, unknown>, dice);
}

/** Never negative, and below 2^63: what either a signed or an unsigned field can hold. */
function otherInteger(value: bigint, dice: Dice): bigint {
  if (dice.once(3)) return BigInt.asUintN(63, turningPoint(dice));
  const near = value + BigInt(dice.below(65) - 32);
  return near < 0n ? 0n : BigInt.asUintN(63, near);
}

function otherText(value: string, dice: Dice): string {
  return new TextDecoder().decode(mutate(dice, [new TextEncoder().encode(value)]));
}

function changeList(list: unknown[], dice: Dice): void {
  if (list.length === 0) return;
  const at = dice.below(list.length);
  const kind = dice.below(4);
  if (kind === 0) list.splice(at, 1);
  else if (kind === 1) list.push(list[at]);
  else if (typeof list[at] === 'object') changeField(list[at] as Record<string, unknown>, dice);
}
