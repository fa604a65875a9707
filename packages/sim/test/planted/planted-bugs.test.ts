import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { plantEdits } from '../../src/planted/mutated-modules.js';
import { PLANTED_BUGS } from '../../src/planted/planted-bugs.js';

const PACKAGES_URL = new URL('../../../', import.meta.url);
const COMMAND = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** One of each kind of hunt, of those that are found at once: `npm run check` looks for all. */
const SOME_BUGS = [
  'padding-off-at-residue-3',
  'live-set-of-first-entries',
  'needle-map-forgets-a-deletion',
  'swap-without-position',
  'lock-token-not-compared',
  'width-assumed',
  'reconnect-inside-a-step',
  'pool-data-without-crc',
  'restore-one-commit-too-late',
  'failover-at-once',
];

test.each(PLANTED_BUGS)('$name can still be planted', async ({ name, edits }) => {
  for (const file of new Set(edits.map((edit) => edit.file))) {
    const source = await readFile(new URL(file, PACKAGES_URL), 'utf8');
    const own = edits.filter((edit) => edit.file === file);
    expect(plantEdits(source, own, name)).not.toBe(source);
  }
});

test('every bug has a name of its own', () => {
  expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(PLANTED_BUGS.length);
});

test('an edit that applies nowhere, or to two places, is stale', () => {
  const edit = { file: 'store/src/a.ts', from: 'one', to: 'other' };
  expect(plantEdits('there is one', [edit], 'a bug')).toBe('there is other');
  expect(() => plantEdits('there is nothing', [edit], 'a bug')).toThrow('stale');
  expect(() => plantEdits('one and one', [edit], 'a bug')).toThrow('stale');
});

test('some of them are found, and the code as it is is not', { timeout: 300_000 }, async () => {
  const flags = SOME_BUGS.flatMap((name) => ['--bug', name]);
  const { stdout } = await promisify(execFile)(process.execPath, [
    COMMAND,
    '--planted',
    '--control',
    '5',
    ...flags,
  ]);
  expect(stdout.trim().split('\n').at(-1)).toBe(
    `${SOME_BUGS.length} of ${SOME_BUGS.length} planted bugs found`,
  );
});
