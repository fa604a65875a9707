import { openGenerationReader, openVolumeHome, StoreError } from '@holdfast/store';
import type { SimulatedEnvironment } from '@holdfast/testkit';
import { Violation } from '../../../oracles/violation.js';
import type { Dice } from '../../../schedule/dice.js';
import { expectSame } from '../hunt.js';
import { DIRECTORY, type ModelHome, VOLUME } from './home-model.js';
import { expectBytes } from './home-oracle.js';

const DAT = `${DIRECTORY}/7.dat`;
const HOME = `${DIRECTORY}/.holdfast/7`;

/** Somebody else's hand in a closed home: what is not as it was committed is never taken for it, and nobody's bytes are lost. */
export async function tamper(
  env: SimulatedEnvironment,
  { current, build }: ModelHome,
  dice: Dice,
): Promise<void> {
  if (current === undefined) return;
  const own = `${HOME}/${current.id}`;
  switch (dice.below(6)) {
    case 0:
      await flip(env, DAT, dice);
      return expectSame('whose bytes they are', 'a changed .dat', await opening(env), 'digests-differ');
    case 1:
      await flip(env, DAT, dice);
      await append(env, DAT, dice.bytes(40));
      return expectSame(
        'whose bytes they are',
        'a changed .dat with more behind it',
        await opening(env),
        'directory-served',
      );
    case 2: {
      const foreign = dice.bytes(40);
      await append(env, DAT, foreign);
      return await judgeStray(env, foreign);
    }
    case 3:
      await flip(env, `${own}/position.json`, dice);
      return expectSame('hostile input', 'a changed position', await opening(env), 'position-damaged');
    case 4:
      return await judgeMissingDigests(env, own, current.dat.length);
    default:
      if (build === undefined || build.dat.length === 0) return;
      await flip(env, `${HOME}/${build.id}/7.dat`, dice);
      return await judgeNoBuild(env, build.id);
  }
}

async function opening(env: SimulatedEnvironment): Promise<string> {
  try {
    const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
    await home.close();
    return home.recovery.notHeld ?? 'held';
  } catch (error) {
    if (error instanceof StoreError) return error.code;
    throw error;
  }
}

/** In place, as a program would that opens the file and writes. */
async function flip({ disk }: SimulatedEnvironment, path: string, dice: Dice): Promise<void> {
  const bytes = disk.peek(path);
  const at = dice.below(bytes.length);
  const file = await disk.open(path, { mode: 'write' });
  await file.writeAt(at, Uint8Array.of(bytes[at]! ^ (1 << dice.below(8))));
  await file.syncData();
  await file.close();
}

async function append({ disk }: SimulatedEnvironment, path: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(path, { mode: 'write' });
  await file.writeAt(await file.sizeBytes(), bytes);
  await file.syncData();
  await file.close();
}

async function judgeStray(env: SimulatedEnvironment, foreign: Uint8Array): Promise<void> {
  const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
  const [stray] = home.recovery.strays;
  await home.close();
  if (stray === undefined)
    throw new Violation('whose bytes they are', 'a copy of what somebody appended', 'none');
  expectBytes('whose bytes they are', 'the copy', env.disk.peek(stray), foreign);
}

async function judgeMissingDigests(env: SimulatedEnvironment, own: string, sizeBytes: number): Promise<void> {
  if (sizeBytes < 1 << 16) return;
  env.disk.plant(`${own}/dat.digests`, new Uint8Array(0));
  const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
  let missing = 0;
  for await (const { reason } of reader.checkDigests()) if (reason === 'digest-missing') missing++;
  await reader.close();
  expectSame('honest', 'blocks without a digest', missing, Math.floor(sizeBytes / (1 << 16)));
}

async function judgeNoBuild(env: SimulatedEnvironment, id: number): Promise<void> {
  const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
  const found = home.unfinished?.id;
  await home.close();
  if (found === id)
    throw new Violation('whose bytes they are', 'a changed build to be given up', 'it goes on');
}
