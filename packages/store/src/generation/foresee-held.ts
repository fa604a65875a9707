import type { StoreEnvironment } from '../environment.js';
import { StoreError } from '../errors.js';
import { type GenerationReader, openGenerationReader } from './generation-reader.js';
import {
  type HomeContext,
  readAppendNote,
  readCurrent,
  readPosition,
  unlessDamaged,
} from './home-records.js';
import { homeLayout } from './layout.js';
import type { OpenVolumeHomeOptions } from './open-volume-home.js';
import type { PositionRecord } from './position-record.js';
import { closeAll, isAllHeld, openCommitted } from './recover-held.js';
import { exists } from './small-file.js';

/** How often another generation, or index, may take the place of the one that is looked at. */
const LOOK_TRIES_MAX = 20;

interface Current {
  readonly id: number;
  readonly record: PositionRecord;
  /** A swap is at work, or was cut short: then the files get their names in DIR by its recovery alone. */
  readonly isSwapping: boolean;
}

/**
 * The generation that `openVolumeHome` would go on with; `undefined` where it would hold none, since there is none or its
 * files are not what was committed. Takes no lock, changes nothing, recovers nothing: of a swap that was cut short it
 * gives what is there until the next opening. Errors as of `openVolumeHome`, and `position-moved` where a follower at work
 * overtakes each look.
 */
export async function foreseeHeld(
  env: StoreEnvironment,
  { directory, volume, takeOver = false }: Pick<OpenVolumeHomeOptions, 'directory' | 'volume' | 'takeOver'>,
): Promise<GenerationReader | undefined> {
  const layout = homeLayout(directory, volume);
  const context: HomeContext = { env, layout, assertLocked: async () => {} };
  for (let tries = 0; tries < LOOK_TRIES_MAX; tries++) {
    const current = await readCurrentPosition(context);
    if (current === undefined) return undefined;
    const [look] = await Promise.allSettled([isStillHeld(context, current, takeOver)]);
    // Files of one generation say nothing beside the position of another.
    const now = await readCurrentPosition(context);
    if (!isSame(current, now)) continue;
    if (look.status === 'rejected') throw look.reason;
    return look.value ? await openGenerationReader(env, { directory, volume }) : undefined;
  }
  const message = `volume ${layout.baseName} was replaced at each look at it`;
  throw new StoreError('position-moved', message, { path: layout.home, volume: layout.baseName });
}

async function readCurrentPosition({ env, layout }: HomeContext): Promise<Current | undefined> {
  const id = await unlessDamaged(readCurrent(env, layout), undefined);
  const record = id === undefined ? undefined : await unlessDamaged(readPosition(env, layout, id), undefined);
  if (id === undefined || record === undefined) return undefined;
  return { id, record, isSwapping: await exists(env.disk, layout.swap) };
}

function isSame(before: Current, now: Current | undefined): boolean {
  const isSameIndex = before.record.indexSerial === now?.record.indexSerial;
  return isSameIndex && before.id === now.id && before.isSwapping === now.isSwapping;
}

async function isStillHeld(
  context: HomeContext,
  { id, record, isSwapping }: Current,
  takeOver: boolean,
): Promise<boolean> {
  const { env, layout } = context;
  if (isSwapping) return true;
  if (!(await exists(env.disk, layout.dat))) return false;
  const hasNote = (await unlessDamaged(readAppendNote(env, layout), undefined)) === id;
  const opened = await openCommitted(context, id, record, 'read');
  if (opened === undefined) return false;
  try {
    return isAllHeld(context, opened, { hasNote, takeOver });
  } finally {
    await closeAll(opened);
  }
}
