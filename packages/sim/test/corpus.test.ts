import { expect, test } from 'vitest';
import { readCorpus, runSchedule } from '../src/index.js';

const corpus = await readCorpus();

test.each(corpus.map((entry) => [entry.name, entry] as const))('%s holds', async (_name, { schedule }) => {
  const { violation, lines } = await runSchedule(schedule);
  expect(violation?.message, lines.join('\n')).toBeUndefined();
});
