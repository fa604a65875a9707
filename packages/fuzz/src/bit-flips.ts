import {
  type GenerationPosition,
  type GenerationReader,
  openGenerationReader,
  openVolumeHome,
} from '@holdfast/store';
import { createSeededRandom, createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { Violation } from './fuzz-target.js';

const DIRECTORY = '/d';
const VOLUME = { collection: '', volumeId: 7 };
/** Both files of the generation together. */
const GENERATION_BYTES = 1 << 16;
const IDX_BYTES = 17 * 60;
const DAT_BYTES = GENERATION_BYTES - IDX_BYTES;

export interface BitFlipOptions {
  /** Each so manieth bit of the generation, 1: every one. */
  readonly everyBit: number;
  /** Of those, each so manieth is also met by an opening of the volume. */
  readonly everyOpening: number;
}

export interface BitFlipFigures {
  /** All found by verification. */
  readonly flips: number;
  /** Of these found by opening the volume, too: what is held no more. */
  readonly openings: number;
}

/** Flips bits of a generation of 64 KiB, one at a time; throws a `Violation` for one that nobody finds. */
export async function flipBits({ everyBit, everyOpening }: BitFlipOptions): Promise<BitFlipFigures> {
  const env = await createGeneration();
  const reader = await openGenerationReader(env, { directory: DIRECTORY, volume: VOLUME });
  const files = [
    { name: 'dat', sizeBytes: DAT_BYTES, file: await env.disk.open(`${DIRECTORY}/7.dat`, { mode: 'write' }) },
    { name: 'idx', sizeBytes: IDX_BYTES, file: await env.disk.open(`${DIRECTORY}/7.idx`, { mode: 'write' }) },
  ] as const;
  let bit = 0;
  let flips = 0;
  let openings = 0;
  for (const { name, sizeBytes, file } of files) {
    const bytes = await file.readAt(0, sizeBytes);
    const put = async (offset: number, byte: number): Promise<void> => {
      await file.writeAt(offset, Uint8Array.of(byte));
      await file.syncData();
      env.disk.forget();
    };
    for (let at = 0; at < 8 * sizeBytes; at++, bit++) {
      if (bit % everyBit !== 0) continue;
      const offset = at >> 3;
      await put(offset, bytes[offset]! ^ (1 << (at & 7)));
      await expectFound(reader, name, offset);
      if (flips++ % everyOpening === 0) {
        await expectNotHeld(env, name, offset);
        openings++;
      }
      await put(offset, bytes[offset]!);
    }
  }
  await reader.close();
  return { flips, openings };
}

async function createGeneration(): Promise<SimulatedEnvironment> {
  const env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
  const random = createSeededRandom(1);
  const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME });
  const target = {
    leaderCopy: { server: 'leader:8080', ...VOLUME },
    lineageId: null,
    revision: 0,
    version: 3,
    offsetWidthBytes: 5,
    datSizeBytes: DAT_BYTES,
    idxSizeBytes: IDX_BYTES,
  } as const;
  const position: GenerationPosition = {
    ...target,
    proofOffset: 0,
    lastAppendAtNs: '1',
    liveNeedles: 60,
    greatestLiveNeedles: 60,
    countedIdxSizeBytes: null,
    leaderTailBytes: 0,
    leaderDamage: [],
  };
  const build = await home.beginBuild({ ...target, anchorOffset: 0, anchorBase64: '', usesPool: true });
  await build.writeIndex(one(random.bytes(IDX_BYTES)));
  await build.write(random.bytes(DAT_BYTES));
  await build.commitTo(DAT_BYTES);
  await build.swapIn(position, '{"version":3}');
  await home.close();
  return env;
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function expectFound(reader: GenerationReader, name: 'dat' | 'idx', offset: number): Promise<void> {
  const found: string[] = [];
  for await (const { file } of reader.checkDigests()) found.push(file);
  if (found.length !== 1 || found[0] !== name)
    throw new Violation(
      `a flipped bit at ${offset} of the .${name}: verification finds ${found.length} blocks`,
    );
}

async function expectNotHeld(env: SimulatedEnvironment, name: string, offset: number): Promise<void> {
  const disk = createSimulatedEnvironment({ seed: 2 });
  for (const path of env.disk.files()) disk.disk.plant(path, env.disk.peek(path));
  const home = await openVolumeHome(disk, { directory: DIRECTORY, volume: VOLUME });
  const { notHeld } = home.recovery;
  await home.close();
  if (notHeld !== 'digests-differ')
    throw new Violation(`a flipped bit at ${offset} of the .${name}: the generation is held all the same`);
}
