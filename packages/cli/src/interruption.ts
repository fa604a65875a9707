/** The user or the system wants the run to end: the reason of the context's signal. */
export class Interruption extends Error {
  override readonly name = 'Interruption';

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal} before it was through`);
  }
}
