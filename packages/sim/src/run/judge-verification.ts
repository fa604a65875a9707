import { openGenerationReader } from '@holdfast/store';
import { Violation } from '../oracles/violation.js';
import type { Operation } from '../schedule/schedule.js';
import { DIRECTORY } from '../world/follower-runs.js';
import { nameOf, type SimulatedWorld } from '../world/simulated-world.js';
import { describeError } from './describe-error.js';
import { count } from './figures.js';
import { recover } from './judge-recovery.js';

const VERIFY_LIMIT_MS = 600_000;

/** A bit of what is held rots: verification says so, and a touch makes the next sync look. */
export async function rot(
  world: SimulatedWorld,
  { volume, place, bit }: Operation & { readonly do: 'rot' },
): Promise<void> {
  const { machine, rotten, scheduler } = world;
  const { disk } = machine;
  if (!world.reported.has(volume) || rotten.has(volume) || !world.isTrusted) return;
  // A run that failed may have committed more than it could report, and may have left a swap in the middle.
  const process = machine.startProcess();
  scheduler.reseed(0, 0);
  const held = await recover(world, process, volume);
  process.kill();
  if (held === undefined) return;
  const ext = place % 5 === 0 && held.idx.length > 0 ? 'idx' : 'dat';
  const path = `${DIRECTORY}/${nameOf(world, volume)}.${ext}`;
  const sizeBytes = held[ext].length;
  disk.flip(path, place % sizeBytes, bit);
  rotten.add(volume);
  world.hasRotted = true;
  count(world.figures, 'bits rotten');
  await judgeVerification(world, volume);
  disk.touch(path);
}

/** The digests of the copy's blocks tell whether it is as it was committed. */
export async function judgeVerification(world: SimulatedWorld, volumeId: number): Promise<void> {
  const { machine, scheduler, rotten, trace } = world;
  if (world.reported.get(volumeId)?.at(-1) === undefined || !world.isTrusted) return;
  count(world.figures, 'verifications');
  const { env } = machine.startProcess();
  scheduler.reseed(0, 0);
  const end = await scheduler.run(async () => {
    const reader = await openGenerationReader(env, {
      directory: DIRECTORY,
      volume: { volumeId, collection: world.schedule.world.collection ?? '' },
    });
    try {
      let findings = 0;
      for await (const _ of reader.checkDigests()) findings += 1;
      return findings;
    } finally {
      await reader.close();
    }
  }, VERIFY_LIMIT_MS);
  if (end.kind !== 'done')
    throw new Violation(
      'verification',
      'an answer',
      end.kind === 'failed' ? describeError(end.error) : end.kind,
    );
  trace.note(`volume ${volumeId}: ${end.value} blocks are not as they were committed`);
  if (end.value > 0 !== rotten.has(volumeId))
    throw new Violation(
      'verification',
      rotten.has(volumeId) ? 'the rotten bit to be found' : 'nothing to be found',
      `${end.value} blocks`,
    );
}
