import { parseVolumeInfo, writeVolumeInfo } from '@holdfast/format';
import type { Dice } from '../dice.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { mutate } from '../mutate.js';

const TEXTS = [
  '',
  '{"version":3,"bytesOffset":5,"datFileSize":"1234","readOnly":true}',
  '{"files":[{"backendType":"s3","key":"a/b","fileSize":"17"}],"version":2,"replication":"010","BytesOffset":4}',
  '{"version":3,"ecShardConfig":{"dataShards":10,"parityShards":4},"DestroyTime":"1900000000"}',
  '[{"__proto__":{"version":1e400}}]',
];
/** What JSON can say where something else is expected. */
const VALUES = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '-1',
  '1e309',
  '5.5',
  '"5"',
  '"9007199254740993"',
  '[[[[1]]]]',
];

/** What is read is written and read again as it was. */
export const volumeInfo: FuzzTarget = {
  name: 'volume-info',
  share: 60,
  prepare() {
    const seeds = TEXTS.map((text) => new TextEncoder().encode(text));
    return {
      make: (dice) => (dice.once(2) ? mutate(dice, seeds) : withOtherValue(dice)),
      run(input) {
        const parsed = parseVolumeInfo(new TextDecoder().decode(input));
        const written = writeVolumeInfo(parsed);
        expectThat(writeVolumeInfo(parseVolumeInfo(written)) === written, 'written and read it is another');
      },
    };
  },
};

function withOtherValue(dice: Dice): Uint8Array {
  const values = dice.pick(TEXTS).split(/(?<=:)/);
  const at = 1 + dice.below(values.length);
  const text = values.map((value, i) =>
    i === at ? value.replace(/^("[^"]*"|[^,}]*)/, dice.pick(VALUES)) : value,
  );
  return new TextEncoder().encode(text.join(''));
}
