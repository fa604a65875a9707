import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createSeededRandom } from '@holdfast/testkit';
import { createDice } from '../../schedule/dice.js';
import { expectSame, type Hunt } from './hunt.js';

type Transfer = (bytes: Uint8Array, at: number, lengthBytes: number, offset: number) => Promise<unknown>;

/** The real disk adapter over files that take and give less than was asked for. */
export const diskHunt: Hunt = {
  name: 'disk',
  async schedule(seed) {
    const dice = createDice(createSeededRandom(seed));
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-hunt-'));
    const restore = await shortenTransfers(directory, () => 1 + dice.below(100));
    try {
      const { disk } = nodeStoreEnvironment();
      const file = await disk.open(join(directory, 'file'), { mode: 'create' });
      try {
        const bytes = dice.bytes(1 + dice.below(500));
        const offset = dice.below(100);
        await file.writeAt(offset, bytes);
        expectSame('what was written', 'the length', await file.sizeBytes(), offset + bytes.length);
        expectSame(
          'what was written',
          'the bytes',
          [...(await file.readAt(offset, bytes.length))],
          [...bytes],
        );
      } finally {
        await file.close();
      }
    } finally {
      restore();
      await rm(directory, { recursive: true });
    }
  },
};

/** Every file handle of this process transfers at most so many bytes a call, until what it gives is called. */
async function shortenTransfers(directory: string, atMost: () => number): Promise<() => void> {
  const handle = await open(join(directory, 'handle'), 'w');
  const prototype = Object.getPrototypeOf(handle) as { read: Transfer; write: Transfer };
  await handle.close();
  const { read, write } = prototype;
  const shorten = (transfer: Transfer): Transfer =>
    function (this: unknown, bytes, at, lengthBytes, offset) {
      return transfer.call(this, bytes, at, Math.min(lengthBytes, atMost()), offset);
    };
  prototype.read = shorten(read);
  prototype.write = shorten(write);
  return () => Object.assign(prototype, { read, write });
}
