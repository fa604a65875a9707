import { expect, test } from 'vitest';
import { createTrace } from '../src/index.js';

function traceOf(...lines: string[]) {
  const trace = createTrace();
  for (const line of lines) trace.note(line);
  return trace;
}

test('equal lines have one hash; another line, another order or a missing line has another', () => {
  const hash = traceOf('put 1', 'sync').hash();
  expect(traceOf('put 1', 'sync').hash()).toBe(hash);
  for (const other of [['put 2', 'sync'], ['sync', 'put 1'], ['put 1']])
    expect(traceOf(...other).hash()).not.toBe(hash);
});
