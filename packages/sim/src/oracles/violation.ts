/** Something that must always hold (DESIGN) and did not. */
export class Violation extends Error {
  override readonly name = 'Violation';
  /** Which of the sentences, in a word. */
  readonly rule: string;
  readonly expected: string;
  readonly found: string;

  constructor(rule: string, expected: string, found: string) {
    super(`${rule}: expected ${expected}; found ${found}`);
    this.rule = rule;
    this.expected = expected;
    this.found = found;
  }
}
