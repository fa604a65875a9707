import { parseVolumeInfo, writeVolumeInfo } from '@holdfast/format';
import { changeJson } from '../change-json.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';

const TEXTS = [
  '',
  '{"version":3,"bytesOffset":5,"datFileSize":"1234","readOnly":true}',
  '{"files":[{"backendType":"s3","key":"a/b","fileSize":"17"}],"version":2,"replication":"010","BytesOffset":4}',
  '{"version":3,"ecShardConfig":{"dataShards":10,"parityShards":4},"DestroyTime":"1900000000"}',
  '[{"__proto__":{"version":1e400}}]',
];

/** What is read is written and read again as it was. */
export const volumeInfo: FuzzTarget = {
  name: 'volume-info',
  share: 60,
  prepare() {
    return {
      make: (dice) => changeJson(dice, TEXTS),
      run(input) {
        const parsed = parseVolumeInfo(new TextDecoder().decode(input));
        const written = writeVolumeInfo(parsed);
        expectThat(writeVolumeInfo(parseVolumeInfo(written)) === written, 'written and read it is another');
      },
    };
  },
};
