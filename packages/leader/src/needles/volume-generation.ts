import type { VolumeName } from '@holdfast/format';
import type { StoreEnvironment, Volume } from '@holdfast/store';
import { lineageIdOf, toHex } from '../lineage.js';
import { readLineageToken } from '../lineage-token.js';
import { createHolds, type Holds } from './holds.js';

const NAME_BYTES = 16;

/** A volume between two compactions. Its files are closed when it is retired and nobody holds it any more. */
export interface VolumeGeneration extends Holds {
  readonly volume: Volume;
  /** Another one for each generation of an open volume. */
  readonly number: number;
  /** The length of its `.dat` when it began. */
  readonly beganAtOffset: number;
  readonly lineageId: string;
}

export async function createVolumeGeneration(
  env: StoreEnvironment,
  name: VolumeName,
  volume: Volume,
  number: number,
): Promise<VolumeGeneration> {
  // Without its name the history is another one for whoever follows it, which is sound, and the volume goes on.
  const lineageId = await lineageOf(env, name, volume).catch(() => toHex(env.random.bytes(NAME_BYTES)));
  const { datSizeBytes: beganAtOffset } = volume.stats();
  return {
    volume,
    number,
    beganAtOffset,
    lineageId,
    ...createHolds(() => volume.close()),
  };
}

async function lineageOf(
  env: StoreEnvironment,
  name: VolumeName,
  { directory, name: baseName, dat }: Volume,
) {
  const token = await readLineageToken(env, directory, name);
  const datFileKey = (await env.disk.stat(`${directory}/${baseName}.dat`))?.fileKey ?? '';
  return lineageIdOf({ token, datFileKey, dat }, env.sha256);
}
