import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { createSha256Blocks } from '../../src/node/digest-thread.js';

const BLOCK_BYTES = 65_536;

/** Five blocks, in memory that threads share. */
function blocks(seed: number): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(5 * BLOCK_BYTES));
  for (let at = 0; at < bytes.length; at++) bytes[at] = (at * seed) >>> 5;
  return bytes;
}

function expected(bytes: Uint8Array): string {
  const digests = Array.from({ length: bytes.length / BLOCK_BYTES }, (_, block) =>
    createHash('sha256')
      .update(bytes.slice(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES))
      .digest(),
  );
  return Buffer.concat(digests).toString('hex');
}

async function expectDigests(sha256Blocks: ReturnType<typeof createSha256Blocks>): Promise<void> {
  const many = Array.from({ length: 20 }, (_, index) => blocks(index + 3));
  const found = await Promise.all(many.map((bytes) => sha256Blocks(bytes, BLOCK_BYTES)));
  expect(found.map((digests) => Buffer.from(digests).toString('hex'))).toEqual(many.map(expected));
}

describe('digests of blocks', () => {
  it('come from the thread, each for what it was asked for', async () => {
    await expectDigests(createSha256Blocks());
  });

  it('of memory that is not shared need no thread', async () => {
    const sha256Blocks = createSha256Blocks(() => {
      throw new Error('a thread was started');
    });
    const bytes = blocks(7).slice();
    expect(Buffer.from(await sha256Blocks(bytes, BLOCK_BYTES)).toString('hex')).toBe(expected(bytes));
  });

  it('come where no thread may be started', async () => {
    await expectDigests(
      createSha256Blocks(() => {
        throw new Error('not permitted');
      }),
    );
  });

  it.each(['process.exit(1)', 'throw new Error("out of memory")'])(
    'come where the thread ends: %s',
    async (end) => {
      const text = `require('node:worker_threads').parentPort.once('message', () => { ${end} })`;
      const sha256Blocks = createSha256Blocks(() => new Worker(text, { eval: true }));
      await expectDigests(sha256Blocks);
      await expectDigests(sha256Blocks);
    },
  );
});
