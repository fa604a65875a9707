import type { OffsetWidthBytes } from '@holdfast/format';
import {
  compactVolume,
  fixIndex,
  inspectNeedles,
  inspectVolume,
  isStoreError,
  openVolume,
  type Volume,
  verifyFiles,
} from '@holdfast/store';
import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { collect } from '../collect.js';
import type { Dice } from '../dice.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { type GoldenVolume, goldenVolumes } from '../golden-volumes.js';
import { mutate } from '../mutate.js';
import { packParts, unpackParts } from '../parts.js';

const DIRECTORY = '/d';
const NAME = '7';
const EXTENSIONS = ['dat', 'idx', 'vif', 'cpd', 'cpx', 'cpc'] as const;
const LARGEST_DAT_BYTES = 1 << 13;

/**
 * The files of a volume, changed: verified, inspected, opened for reading and for writing, compacted, its index fixed.
 * Reading changes no file; what could be read before a recovery can be read after it, and after a compaction.
 */
export const volumeDirectory: FuzzTarget = {
  name: 'volume-directory',
  share: 6,
  prepare() {
    const volumes = goldenVolumes().filter(({ files }) => files.get('dat')!.length <= LARGEST_DAT_BYTES);
    const compacted = volumes.filter(({ files }) => files.has('cpd') || files.has('cpx') || files.has('cpc'));
    return {
      make: (dice) => changedFiles(dice, dice.once(3) ? compacted : volumes),
      async run(input, dice) {
        const [head, ...files] = unpackParts(input, 1 + EXTENSIONS.length);
        const width = head![0] === 4 ? 4 : 5;
        const env = createSimulatedEnvironment({ seed: 1 });
        for (const [i, extension] of EXTENSIONS.entries()) {
          const isThere = files[i]!.length > 0 || (head![1]! & (1 << i)) !== 0;
          if (isThere) env.disk.plant(`${DIRECTORY}/${NAME}.${extension}`, files[i]!);
        }
        await useVolume(env, width, dice);
      },
    };
  },
};

/** Head: the width, and which of the files exist though they are empty. */
function changedFiles(dice: Dice, volumes: readonly GoldenVolume[]): Uint8Array {
  const volume = dice.pick(volumes);
  let present = 0;
  const files = EXTENSIONS.map((extension, i) => {
    const bytes = volume.files.get(extension);
    if (bytes !== undefined) present |= 1 << i;
    if (bytes === undefined || !dice.once(2)) return bytes ?? new Uint8Array(0);
    return mutate(dice, [bytes]);
  });
  return packParts([Uint8Array.of(volume.offsetWidthBytes, present), ...files]);
}

async function useVolume(env: SimulatedEnvironment, width: OffsetWidthBytes, dice: Dice): Promise<void> {
  const which = { directory: DIRECTORY, name: NAME, assumedOffsetWidthBytes: width };
  env.disk.forget();
  const findings = await collect(verifyFiles(env, which));
  const before = await orTyped(async () => {
    const volume = await openVolume(env, { ...which, mode: 'read' });
    await inspectVolume(volume);
    await collect(inspectNeedles(env, volume));
    return contentOf(volume);
  });
  expectThat(env.disk.operations.length === 0, 'reading has changed something');
  if (before === undefined) {
    const damage = findings.filter(({ severity }) => severity === 'damage');
    expectThat(damage.length > 0, 'it cannot be opened, and verify finds nothing');
  }
  if (dice.once(4)) return await fix(env, which);
  const recovered = await orTyped(async () => contentOf(await openVolume(env, { ...which, mode: 'write' })));
  if (recovered === undefined) return;
  if (before !== undefined) sameContent(before, recovered, 'recovery');
  const again = await contentOf(await openVolume(env, { ...which, mode: 'write', recover: false }));
  sameContent(recovered, again, 'a second opening');
  if (!dice.once(2)) return;
  const compacted = await orTyped(() => compactVolume(env, which));
  if (compacted === undefined) return;
  sameContent(recovered, await contentOf(await openVolume(env, { ...which, mode: 'read' })), 'compaction');
}

/**
 * What an index made out of the data knows can be found, and making it again changes nothing: after a second time, since
 * places behind damage that the former index was wrong about are looked at by the first one that no longer names them.
 */
async function fix(
  env: SimulatedEnvironment,
  which: {
    readonly directory: string;
    readonly name: string;
    readonly assumedOffsetWidthBytes: OffsetWidthBytes;
  },
): Promise<void> {
  const first = await orTyped(() => fixIndex(env, which));
  if (first === undefined) return;
  const report = await fixIndex(env, which);
  expectThat(first.liveNeedles === report.liveNeedles, 'fixed a second time it has other needles');
  const idx = env.disk.peek(`${DIRECTORY}/${NAME}.idx`);
  const again = await fixIndex(env, which);
  expectThat(again.liveNeedles === report.liveNeedles, 'fixed again it has other needles');
  expectThat(
    Buffer.compare(env.disk.peek(`${DIRECTORY}/${NAME}.idx`), idx) === 0,
    'fixed again it is another',
  );
}

type Content = ReadonlyMap<bigint, string>;

/** What each live needle says, or the code with which it is refused; closes the volume. */
async function contentOf(volume: Volume): Promise<Content> {
  const content = new Map<bigint, string>();
  try {
    for (const { needleId } of volume.liveByNeedleId()) {
      try {
        const { cookie, crc, dataSizeBytes } = await volume.readNeedle(needleId);
        content.set(needleId, `${cookie} ${crc} ${dataSizeBytes}`);
      } catch (error) {
        if (!isStoreError(error, 'corrupt')) throw error;
        content.set(needleId, 'corrupt');
      }
    }
  } finally {
    await volume.close();
  }
  return content;
}

function sameContent(before: Content, after: Content, what: string): void {
  expectThat(before.size === after.size, `${what} makes ${after.size} live needles of ${before.size}`);
  for (const [needleId, said] of before)
    expectThat(
      after.get(needleId) === said,
      `${what}: needle ${needleId} was ${said}, is ${after.get(needleId)}`,
    );
}

async function orTyped<T>(doing: () => Promise<T>): Promise<T | undefined> {
  try {
    return await doing();
  } catch (error) {
    if (isStoreError(error)) return undefined;
    throw error;
  }
}
