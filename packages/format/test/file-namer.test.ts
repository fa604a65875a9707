import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFileNamer, MAX_FILE_NAME_BYTES, safeFileName } from '../src/index.js';

const fileIdOf = (needleId: number) => ({ volumeId: 3, needleId: BigInt(needleId), cookie: 0x637037d6 });

const anyName = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({
    unit: fc.constantFrom('.', '/', '\\', '\0', ' ', '-', 'a', 'A', '~', 'ä', 'a\u0308', '𝄞', '\ud800'),
    maxLength: 12,
  }),
  fc.constantFrom(
    '',
    '.',
    '..',
    '../../etc/passwd',
    'CON',
    'nul.txt',
    'COM1',
    '-rf',
    '3,01637037d6',
    'a~01637037d6',
  ),
);

function isSafe(name: string): boolean {
  return (
    name !== '' &&
    !/^[.\-\s]|[.\s]$|[/\\\p{Cc}\p{Cs}<>:"|?*]/u.test(name) &&
    !/^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i.test(name) &&
    new TextEncoder().encode(name).length <= MAX_FILE_NAME_BYTES
  );
}

test.each([
  ['photo.jpg', 'photo.jpg'],
  ['Ünïcödé 𝄞.txt', 'Ünïcödé 𝄞.txt'],
  ['..', '__'],
  ['../../etc/passwd', '_._.._etc_passwd'],
  ['a\0b\nc', 'a_b_c'],
  ['C:\\x', 'C__x'],
  ['.htaccess', '_htaccess'],
  ['--help', '_-help'],
  ['con.txt', '_con.txt'],
  ['end. ', 'end._'],
  ['a\u202egpj.exe', 'a_gpj.exe'],
  ['', ''],
  [`${'x'.repeat(300)}.jpeg`, `${'x'.repeat(250)}.jpeg`],
  [`${'ä'.repeat(200)}`, `${'ä'.repeat(127)}`],
])('%j is %j', (name, safe) => {
  expect(safeFileName(name)).toBe(safe);
});

test('any names give safe ones, distinct on a file system that folds case and composes accents', () => {
  fc.assert(
    fc.property(fc.array(anyName, { maxLength: 60 }), (names) => {
      const namer = createFileNamer();
      const given = names.map((name, i) => namer.nameOf(name, fileIdOf(i % 50)));
      for (const name of given) expect(isSafe(name), JSON.stringify(name)).toBe(true);
      const folded = new Set(given.map((name) => name.normalize('NFC').toLowerCase()));
      expect(folded.size).toBe(given.length);
    }),
  );
});

test('a safe name stays as it is, and safe once is safe for good', () => {
  fc.assert(
    fc.property(anyName, (name) => {
      const safe = safeFileName(name);
      expect(safeFileName(safe)).toBe(safe);
      if (isSafe(name) && !/\p{Bidi_Control}|\p{Zl}|\p{Zp}/u.test(name)) expect(safe).toBe(name);
    }),
  );
});

test('what has no name goes by its file id; equal names by what of it tells them apart', () => {
  const namer = createFileNamer();
  expect(namer.nameOf('', fileIdOf(1))).toBe('3,01637037d6');
  expect(namer.nameOf('3,01637037d6', fileIdOf(2))).toBe('3,01637037d6~02637037d6');
  expect(namer.nameOf('Photo.jpg', fileIdOf(3))).toBe('Photo.jpg');
  expect(namer.nameOf('photo.JPG', fileIdOf(4))).toBe('photo~04637037d6.JPG');
  expect(namer.nameOf('photo~05637037d6.jpg', fileIdOf(9))).toBe('photo~05637037d6.jpg');
  expect(namer.nameOf('photo.jpg', fileIdOf(5))).toBe('photo~05637037d6~2.jpg');
});

test('a hundred thousand names take no more than their slots, and stay as they are', () => {
  const namer = createFileNamer();
  let renamed = 0;
  for (let i = 0; i < 100_000; i++)
    if (namer.nameOf(`file-${i}.bin`, fileIdOf(i)) !== `file-${i}.bin`) renamed++;
  expect(renamed).toBe(0);
});
