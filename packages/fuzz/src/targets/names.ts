import {
  formatFileId,
  formatInstant,
  formatReplicaPlacement,
  formatTtl,
  formatVolumeName,
  parseFileId,
  parseInstant,
  parseReplicaPlacement,
  parseTtl,
  parseVolumeName,
  safeFileName,
  ttlSeconds,
} from '@holdfast/format';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { mutate } from '../mutate.js';

const TEXTS = [
  '3,01637037d6',
  'ffffffff,ffffffffffffffff00000001',
  '2026-11-03T10:15:00.123456789Z',
  '1767225600000000001',
  '5d',
  '255y',
  '012',
  'pictures_7',
  '4294967295',
  '../../etc/passwd\0',
  'NUL.txt ',
];

/** Text that is parsed is formatted to something that means the same. */
export const names: FuzzTarget = {
  name: 'names',
  share: 60,
  prepare() {
    const seeds = TEXTS.map((text) => new TextEncoder().encode(text));
    return {
      make: (dice) => Uint8Array.of(dice.below(6), ...mutate(dice, seeds).subarray(0, 400)),
      run(input) {
        const text = new TextDecoder().decode(input.subarray(1));
        READERS[(input[0] ?? 0) % READERS.length]!(text);
      },
    };
  },
};

const READERS: readonly ((text: string) => void)[] = [
  (text) => settles(text, (given) => formatFileId(parseFileId(given))),
  (text) => settles(text, (given) => formatInstant(parseInstant(given))),
  // The same time has several texts: 60 weeks are 14 months.
  (text) =>
    settles(
      text,
      (given) => `${ttlSeconds(parseTtl(given))}`,
      (given) => formatTtl(parseTtl(given)),
    ),
  (text) => settles(text, (given) => formatReplicaPlacement(parseReplicaPlacement(given))),
  (text) => settles(text, (given) => formatVolumeName(parseVolumeName(given))),
  (text) => {
    const name = safeFileName(text);
    expectThat((name === '') === (text === ''), `${JSON.stringify(text)} becomes ${JSON.stringify(name)}`);
    expectThat(name !== '.' && name !== '..', `a file cannot be called ${name}`);
    expectThat(!/[/\\\0]/.test(name), `${JSON.stringify(name)} leaves its folder`);
    expectThat(new TextEncoder().encode(name).length <= 255, `${name.length} characters are too long a name`);
  },
];

/** The text that stands for what was read means the same when it is read again. */
function settles(text: string, meaning: (text: string) => string, format = meaning): void {
  const once = format(text);
  expectThat(
    meaning(once) === meaning(text),
    `${JSON.stringify(text)} is written as ${JSON.stringify(once)}`,
  );
}
