import { createHash } from 'node:crypto';
import { createSimulatedEnvironment } from '@holdfast/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_SIZE_BYTES } from '../../src/generation/block-digests.js';
import { createEmpty } from '../../src/generation/index-writer.js';
import { createTailFile } from '../../src/generation/tail-file.js';
import type { StoreEnvironment } from '../../src/index.js';
import { nodeStoreEnvironment } from '../../src/node/index.js';
import { temporaryDirectory } from '../support/fixtures.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Every byte says where it stands, so that one at a wrong place is seen. */
const contentFrom = (offset: number, lengthBytes: number, seed: number) =>
  Uint8Array.from({ length: lengthBytes }, (_, at) => ((offset + at) * 2_654_435_761 + seed) >>> 13);

type Step =
  | {
      readonly kind: 'write';
      readonly lengthBytes: number;
      readonly seed: number;
      readonly misalignedBy: number;
    }
  | { readonly kind: 'commit'; readonly share: number; readonly isBehind: boolean }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'read'; readonly share: number };

/** Writes from a few bytes up to several pieces. */
function stepsFor(pieceBytes: number): fc.Arbitrary<readonly Step[]> {
  const lengthBytes = fc.oneof(
    fc.integer({ min: 1, max: 2000 }),
    fc.integer({ min: 1, max: pieceBytes / 4 }),
    fc.integer({ min: pieceBytes / 2, max: 2 * pieceBytes + 1000 }),
    fc.constant(pieceBytes),
  );
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        lengthBytes,
        seed: fc.nat(255),
        misalignedBy: fc.nat(7),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('commit' as const), share, isBehind: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('rollback' as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('read' as const), share }) },
  );
  return fc.array(step, { minLength: 1, maxLength: 14 });
}

async function check(env: StoreEnvironment, directory: string, steps: readonly Step[]): Promise<void> {
  const digestsPath = `${directory}/digests`;
  await createEmpty(env, digestsPath);
  await createEmpty(env, `${directory}/data`);
  const file = await env.disk.open(`${directory}/data`, { mode: 'write' });
  const tail = createTailFile(env, { file, committedBytes: 0, digestsPath });
  let model = new Uint8Array(0);

  async function commit(sizeBytes: number, meanwhile?: () => Promise<void>): Promise<string> {
    const committing = await tail.prepare(sizeBytes);
    model = model.slice(0, sizeBytes);
    await meanwhile?.();
    await committing.syncData();
    await committing.syncDigests();
    const { tailDigest } = await committing.identity();
    committing.settle();
    expect(tail.committedBytes).toBe(sizeBytes);
    return tailDigest;
  }

  async function write({ lengthBytes, seed, misalignedBy }: Step & { kind: 'write' }): Promise<void> {
    const source = new Uint8Array(lengthBytes + misalignedBy);
    source.set(contentFrom(model.length, lengthBytes, seed), misalignedBy);
    model = Buffer.concat([model, source.subarray(misalignedBy)]);
    await tail.write(source.subarray(misalignedBy));
    // The array is its owner's again.
    source.fill(255);
  }

  try {
    for (const step of steps) {
      const between = (share: number) =>
        tail.committedBytes + Math.floor(share * (model.length - tail.committedBytes));
      if (step.kind === 'write') await write(step);
      else if (step.kind === 'commit') {
        const more = { kind: 'write', lengthBytes: 5000, seed: 3, misalignedBy: 1 } as const;
        await commit(between(step.share), step.isBehind ? () => write(more) : undefined);
      } else if (step.kind === 'rollback') {
        await tail.rollback();
        model = model.slice(0, tail.committedBytes);
      } else {
        const offset = Math.floor(step.share * model.length);
        for (const found of await Promise.all([tail.read(offset, 10_000), tail.read(offset, 10_000)]))
          expect(Buffer.compare(found, model.subarray(offset, offset + 10_000))).toBe(0);
      }
      expect(tail.writtenBytes).toBe(model.length);
    }
    const tailDigest = await commit(model.length);
    expect(await file.sizeBytes()).toBe(model.length);
    expect(Buffer.compare(await file.readAt(0, model.length), model)).toBe(0);
    const digests = await env.disk.open(digestsPath, { mode: 'create' });
    const wholeBlocks = Math.floor(model.length / BLOCK_SIZE_BYTES);
    const found = Buffer.from(await digests.readAt(0, 32 * wholeBlocks + 1)).toString('hex');
    await digests.close();
    const blocks = Array.from({ length: wholeBlocks }, (_, block) =>
      sha256(model.subarray(block * BLOCK_SIZE_BYTES, (block + 1) * BLOCK_SIZE_BYTES)),
    );
    expect(found).toBe(blocks.join(''));
    const rest = model.subarray(wholeBlocks * BLOCK_SIZE_BYTES);
    expect(tailDigest).toBe(rest.length === 0 ? '' : sha256(rest));
  } finally {
    await tail.close();
  }
}

describe('a tail file is what was written to it, with the digest of every block', () => {
  it('on a simulated disk, in memory that is spoilt when it is lent and given back', async () => {
    const { writeMemory } = createSimulatedEnvironment({ seed: 1 });
    await fc.assert(
      fc.asyncProperty(stepsFor(writeMemory.pieceBytes), async (steps) => {
        const env = createSimulatedEnvironment({ seed: 1 });
        env.disk.plant('/dir/.keep', new Uint8Array(0));
        await check(env, '/dir', steps);
      }),
      { numRuns: 150 },
    );
  });

  it('on the real one, past its cache, digested in another thread', async () => {
    const env = nodeStoreEnvironment();
    const directory = temporaryDirectory();
    await fc.assert(
      fc.asyncProperty(stepsFor(env.writeMemory.pieceBytes), (steps) => check(env, directory, steps)),
      { numRuns: 12 },
    );
  });

  it('on the real one where more files are written at once than there are pieces', async () => {
    const env = nodeStoreEnvironment();
    const { pieceBytes } = env.writeMemory;
    const steps = [1, 2, 3].map((seed) => ({
      kind: 'write' as const,
      lengthBytes: pieceBytes + 777 * seed,
      seed,
      misalignedBy: seed,
    }));
    await Promise.all(Array.from({ length: 12 }, () => check(env, temporaryDirectory(), steps)));
  });
});
