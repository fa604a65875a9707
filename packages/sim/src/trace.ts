import { createHash } from 'node:crypto';

/** What happened in one run, line by line. Two runs of one seed have the same lines. */
export interface Trace {
  readonly lines: readonly string[];
  note(line: string): void;
  /** SHA-256 of the lines, in hex. */
  hash(): string;
}

export function createTrace(): Trace {
  const lines: string[] = [];
  return {
    lines,
    note: (line) => void lines.push(line),
    hash: () => createHash('sha256').update(lines.join('\n')).digest('hex'),
  };
}
