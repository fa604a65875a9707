import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openJournal } from '../src/journal.js';

it('goes on behind the last whole line, and a torn one was never written', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-journal-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'changes.jsonl');
  const first = await openJournal(path);
  expect(first.cursor).toBeUndefined();
  await first.append({ cursor: 'a' });
  await first.append({ cursor: 'b' });
  await first.close();
  await appendFile(path, '{"cursor":"c');
  const second = await openJournal(path);
  expect(second.cursor).toBe('b');
  await second.append({ cursor: 'c' });
  await second.close();
  expect(await readFile(path, 'utf8')).toBe('{"cursor":"a"}\n{"cursor":"b"}\n{"cursor":"c"}\n');
});
