import { Violation } from '../../oracles/violation.js';

/** Seeded schedules over one part of the code, each judged by oracles that share no code with it. */
export interface Hunt {
  readonly name: string;
  /** Runs the schedule of a seed. Throws what an oracle finds wrong. */
  schedule(seed: number): Promise<void>;
}

/** Fails by `rule` where the two are not the same text, number or list of them. */
export function expectSame(rule: string, what: string, found: unknown, expected: unknown): void {
  const [foundText, expectedText] = [inText(found), inText(expected)];
  if (foundText !== expectedText) throw new Violation(rule, `${what}: ${expectedText}`, foundText);
}

function inText(value: unknown): string {
  const ofPart = (_key: string, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part);
  return JSON.stringify(value, ofPart) ?? 'undefined';
}
