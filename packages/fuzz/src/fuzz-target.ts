import type { Dice } from './dice.js';

/** One decoder, or one conversation, that must take any bytes. */
export interface FuzzTarget {
  readonly name: string;
  /** How many of 1000 inputs of a run are for it: cheap targets get most. */
  readonly share: number;
  prepare(): ReadyTarget | Promise<ReadyTarget>;
}

export interface ReadyTarget {
  make(dice: Dice): Uint8Array;
  /**
   * Gives the input to the code. `dice` belongs to the input: the same bytes do the same, whoever asks. Errors of the
   * packages are right answers and may be thrown; everything else that is thrown is a failure.
   */
  run(input: Uint8Array, dice: Dice): void | Promise<void>;
}

/** An answer that is wrong, told by an oracle. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export function expectThat(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Violation(otherwise);
}
