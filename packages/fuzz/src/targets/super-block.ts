import { parseSuperBlock, writeSuperBlock } from '@holdfast/format';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { mutate } from '../mutate.js';

const SEEDS = [1, 2, 3].map((version) => Uint8Array.of(version, 0x0a, 5, 2, 0, 7, 0, 0));

/** What is read is what stands there, and is written again as it stood. */
export const superBlock: FuzzTarget = {
  name: 'super-block',
  share: 60,
  prepare: () => ({
    make: (dice) => mutate(dice, SEEDS),
    run(input) {
      const parsed = parseSuperBlock(input);
      expectThat(parsed.version === input[0], `version ${parsed.version}`);
      const revision = (input[4]! << 8) | input[5]!;
      expectThat(parsed.compactionRevision === revision, `revision ${parsed.compactionRevision}`);
      const again = parseSuperBlock(writeSuperBlock(parsed));
      expectThat(JSON.stringify(again) === JSON.stringify(parsed), 'written and read it is another');
    },
  }),
};
