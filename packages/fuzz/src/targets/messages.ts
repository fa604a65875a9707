import {
  create,
  type DescMessage,
  followPb,
  type MessageShape,
  masterPb,
  toBinary,
  volumeServerPb,
} from '@holdfast/protocol';
import { changeMessage } from '../change-message.js';
import type { Dice } from '../dice.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { decoded } from '../hostile-service.js';
import { joined, mutate } from '../mutate.js';

const SERVICES = [followPb.FollowService, volumeServerPb.VolumeServer, masterPb.Seaweed];
const CHANGES_MAX = 8;

/** The bytes of every message that either side may send: a message, which written and read is the same, or none. */
export const messages: FuzzTarget = {
  name: 'messages',
  share: 60,
  prepare() {
    const methods = SERVICES.flatMap(({ methods }) => methods);
    const descriptions = [...new Set(methods.flatMap(({ input, output }) => [input, output]))];
    return {
      make(dice) {
        const number = dice.below(descriptions.length);
        const seeds = [someMessage(descriptions[number]!, dice), someMessage(dice.pick(descriptions), dice)];
        return joined(Uint8Array.of(number), mutate(dice, seeds));
      },
      run(input) {
        const description = descriptions[(input[0] ?? 0) % descriptions.length]!;
        const message = decoded(description, input.subarray(1));
        const written = toBinary(description, message);
        const again = toBinary(description, decoded(description, written));
        expectThat(
          Buffer.compare(again, written) === 0,
          `${description.name}: written and read it is another`,
        );
      },
    };
  },
};

/** One with some of its fields set. */
function someMessage(description: DescMessage, dice: Dice): Uint8Array {
  let message: MessageShape<DescMessage> = create(description);
  for (let changes = dice.below(CHANGES_MAX); changes > 0; changes--)
    message = changeMessage(description, message, dice);
  return toBinary(description, message);
}
