import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileNamer } from '@holdfast/format';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type TarEntry, tarEnd, tarHeader, tarPadding } from '../src/export/tar-format.js';
import { temporaryDirectory } from './holdfast.js';

function archiveOf(files: readonly { readonly entry: TarEntry; readonly content: Uint8Array }[]): Uint8Array {
  return Buffer.concat([
    ...files.flatMap(({ entry, content }) => [tarHeader(entry), content, tarPadding(content.length)]),
    tarEnd(),
  ]);
}

test('the tar of this system unpacks any names, lengths and times to what went in', async () => {
  const namer = createFileNamer();
  const names = fc.sample(fc.string({ unit: 'binary', maxLength: 300 }), { numRuns: 120, seed: 7 });
  const files = ['x'.repeat(100), 'x'.repeat(101), 'ä'.repeat(120), 'plain.txt', ...names].map(
    (wanted, i) => {
      const name = namer.nameOf(wanted, { volumeId: 3, needleId: BigInt(i + 1), cookie: 9 });
      const content = Buffer.alloc((i * 37) % 1600, i);
      return { entry: { name, sizeBytes: content.length, modifiedAtSeconds: 1_700_000_000 + i }, content };
    },
  );
  await using directory = await temporaryDirectory();
  const archive = join(directory.path, 'files.tar');
  await writeFile(archive, archiveOf(files));
  const out = join(directory.path, 'out');
  await mkdir(out);
  execFileSync('tar', ['-xf', archive, '-C', out]);
  expect((await readdir(out)).sort()).toEqual(files.map(({ entry }) => entry.name).sort());
  for (const { entry, content } of files) {
    const path = join(out, entry.name);
    expect(Buffer.compare(await readFile(path), content)).toBe(0);
    expect(Math.floor((await stat(path)).mtimeMs / 1000)).toBe(entry.modifiedAtSeconds);
  }
});

test('what eleven octal digits cannot say is said by pax', async () => {
  const entry = { name: 'large', sizeBytes: 9 * 2 ** 30, modifiedAtSeconds: 2 ** 34 };
  await using directory = await temporaryDirectory();
  const archive = join(directory.path, 'large.tar');
  // The content is missing: a listing reads headers alone, and only then finds the end.
  await writeFile(archive, tarHeader(entry));
  const { stdout } = await listing(archive);
  expect(stdout).toContain(`${entry.sizeBytes} 2514-05-30`);
});

async function listing(archive: string): Promise<{ stdout: string }> {
  try {
    const args = ['--utc', '--numeric-owner', '-tvf', archive];
    return { stdout: execFileSync('tar', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }) };
  } catch (error) {
    return error as { stdout: string };
  }
}
