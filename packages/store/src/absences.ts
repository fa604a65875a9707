import { formatVolumeName, type VolumeName } from '@holdfast/format';
import type { StoreEnvironment } from './environment.js';
import { isStoreError } from './errors.js';
import { HOLDFAST_FOLDER } from './generation/layout.js';
import { type Json, readSealed, writeSealed } from './generation/sealed-file.js';
import { ensureDirectory } from './generation/small-file.js';

/** Since when something of a volume is away, in milliseconds since the Unix epoch; `null`: it is there. */
export interface Absence {
  /** The server whose copy is followed. */
  readonly leaderSinceMs: number | null;
  /** The volume, from a cluster that lists others. */
  readonly volumeSinceMs: number | null;
}

/** What is away, remembered over runs: `DIR/.holdfast/absences.json`. Under the directory's lock. */
export interface AbsenceLedger {
  of(volume: VolumeName): Absence;
  /**
   * Begins or ends absences. What is away already keeps its time, or has been away since now where a clock that stepped
   * back makes that a time to come. Durable when it resolves.
   */
  note(volume: VolumeName, away: { readonly leader?: boolean; readonly volume?: boolean }): Promise<void>;
}

const PRESENT: Absence = { leaderSinceMs: null, volumeSinceMs: null };

/** One that cannot be read begins anew: every wait is then as long again, and nothing is given up too early. */
export async function openAbsenceLedger(env: StoreEnvironment, directory: string): Promise<AbsenceLedger> {
  const folder = `${directory}/${HOLDFAST_FOLDER}`;
  const path = `${folder}/absences.json`;
  const absences = await readAbsences(env, path);
  let isDirty = false;
  let writing: Promise<void> | undefined;

  async function write(): Promise<void> {
    try {
      while (isDirty) {
        isDirty = false;
        await ensureDirectory(env.disk, folder);
        await writeSealed(env, path, encode(absences));
      }
    } finally {
      writing = undefined;
    }
  }

  /** Notes that come while one is written share the next writing. */
  function save(): Promise<void> {
    isDirty = true;
    writing ??= write();
    return writing;
  }

  return {
    of: (volume) => absences.get(formatVolumeName(volume)) ?? PRESENT,
    async note(volume, away) {
      const name = formatVolumeName(volume);
      const before = absences.get(name) ?? PRESENT;
      const since = (isAway: boolean | undefined, sinceMs: number | null) => {
        if (isAway === undefined) return sinceMs;
        return isAway ? Math.min(sinceMs ?? Number.POSITIVE_INFINITY, Math.floor(env.clock.nowMs())) : null;
      };
      const next: Absence = {
        leaderSinceMs: since(away.leader, before.leaderSinceMs),
        volumeSinceMs: since(away.volume, before.volumeSinceMs),
      };
      if (next.leaderSinceMs === before.leaderSinceMs && next.volumeSinceMs === before.volumeSinceMs) return;
      if (next.leaderSinceMs === null && next.volumeSinceMs === null) absences.delete(name);
      else absences.set(name, next);
      await save();
    },
  };
}

function encode(absences: ReadonlyMap<string, Absence>): Json {
  return { volumes: [...absences].map(([name, absence]) => ({ name, ...absence })) };
}

async function readAbsences(env: StoreEnvironment, path: string): Promise<Map<string, Absence>> {
  try {
    const entries = await readSealed(env, path, (fields) =>
      fields.list('volumes').map((volume): [string, Absence] => [
        volume.text('name'),
        {
          leaderSinceMs: volume.integerOrNull('leaderSinceMs'),
          volumeSinceMs: volume.integerOrNull('volumeSinceMs'),
        },
      ]),
    );
    return new Map(entries);
  } catch (error) {
    if (isStoreError(error, 'position-damaged') || isStoreError(error, 'too-large')) return new Map();
    throw error;
  }
}
