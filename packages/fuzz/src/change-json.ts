import type { Dice } from './dice.js';
import { mutate } from './mutate.js';

/** What JSON can say where something else is expected. */
const VALUES = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '-1',
  '1e309',
  '5.5',
  '"5"',
  '"9007199254740993"',
  '[[[[1]]]]',
];

/** One of the texts with other bytes in it or, as often, with another value of one field. */
export function changeJson(dice: Dice, texts: readonly string[]): Uint8Array {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  return dice.once(2) ? mutate(dice, texts.map(encode)) : encode(withOtherValue(dice, dice.pick(texts)));
}

function withOtherValue(dice: Dice, text: string): string {
  const values = text.split(/(?<=:)/);
  const at = 1 + dice.below(values.length);
  return values
    .map((value, i) => (i === at ? value.replace(/^("[^"]*"|[^,}]*)/, dice.pick(VALUES)) : value))
    .join('');
}
