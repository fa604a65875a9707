import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeedVolumeServer } from '../weed-volume-server.js';

/** How a copy stands to its leader, for who reads both. */
export type CopyState =
  | 'equal'
  /** The same files, in other bytes. */
  | 'other-bytes'
  /** Files that are deleted on the leader are there. */
  | 'resurrected'
  /** Files have a former content. */
  | 'stale'
  /** Files are not there. */
  | 'missing'
  | 'no-copy'
  /** A real server cannot open it. */
  | 'unreadable';

/** Needle ids of a life are at most this. */
const GREATEST_NEEDLE_ID = 60n;

export interface JudgeOptions {
  readonly leader: WeedVolumeServer;
  readonly directory: string;
  readonly volumeId: number;
  /** A real server of another cluster, which the copy is mounted on. */
  readonly reader: WeedVolumeServer;
}

/** What a real server makes of the copy, needle by needle, beside what the leader serves. */
export async function judgeCopy(options: JudgeOptions): Promise<readonly CopyState[]> {
  const { leader, directory, volumeId } = options;
  const copy = await readFile(`${directory}/${volumeId}.dat`).catch(() => undefined);
  if (copy === undefined) return ['no-copy'];
  const isSame = async (ext: '.dat' | '.idx') =>
    (await readFile(`${directory}/${volumeId}${ext}`)).equals(await leader.readFile(volumeId, ext));
  if ((await isSame('.dat')) && (await isSame('.idx'))) return ['equal'];
  return await judgeContent(options);
}

async function judgeContent({
  leader,
  directory,
  volumeId,
  reader,
}: JudgeOptions): Promise<readonly CopyState[]> {
  const names = ['.dat', '.idx', '.vif'].map((ext) => `${volumeId}${ext}`);
  for (const name of names)
    await copyFile(join(directory, name), join(reader.dataDirectory, name)).catch(() => undefined);
  try {
    await reader.mount(volumeId);
  } catch {
    return ['unreadable'];
  }
  const found = new Set<CopyState>();
  for (let needleId = 1n; needleId <= GREATEST_NEEDLE_ID; needleId++) {
    const [theirs, ours] = [await read(leader, volumeId, needleId), await read(reader, volumeId, needleId)];
    if (theirs === undefined && ours !== undefined) found.add('resurrected');
    else if (theirs !== undefined && ours === undefined) found.add('missing');
    else if (theirs !== ours) found.add('stale');
  }
  await reader.unmount(volumeId);
  for (const name of names) await rm(join(reader.dataDirectory, name), { force: true });
  return found.size === 0 ? ['other-bytes'] : [...found];
}

async function read(
  server: WeedVolumeServer,
  volumeId: number,
  needleId: bigint,
): Promise<string | undefined> {
  const response = await server.get(volumeId, needleId);
  const body = Buffer.from(await response.arrayBuffer()).toString('latin1');
  return response.ok ? body : undefined;
}
