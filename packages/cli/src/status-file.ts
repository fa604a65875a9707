import type { FollowedVolume, SyncReport, VanishedVolume } from '@holdfast/follower';
import { formatVolumeName } from '@holdfast/format';
import { type StoreEnvironment, StoreError } from '@holdfast/store';

const FOLDER = '.holdfast';
const GREATEST_FILE_BYTES = 64 << 20;

/** What the last run said of one volume. Times in milliseconds since the Unix epoch, `null` where there was none. */
export interface VolumeRecord {
  readonly report: SyncReport;
  readonly finishedAtMs: number;
  readonly provedAtMs: number | null;
  readonly indexProvedAtMs: number | null;
  readonly lagBytes: number;
  readonly hasVanished: boolean;
}

/** `DIR/.holdfast/status.json`: what the runs that write into DIR said last. */
export interface StatusRecord {
  readonly verb: 'backup' | 'follow';
  readonly writtenAtMs: number;
  readonly volumes: Readonly<Record<string, VolumeRecord>>;
}

/** One verification of one volume. */
export interface VerificationRecord {
  readonly atMs: number;
  readonly ok: boolean;
  readonly findings: number;
  /** `files`: every CRC, entry and digest; `leader`: every byte against the leader, too. */
  readonly covered: 'files' | 'leader';
  readonly datSizeBytes: number;
}

/** `DIR/.holdfast/verification.json`, by base name. */
export type VerificationFile = Readonly<Record<string, VerificationRecord>>;

/** Keeps `status.json` up as volumes are done. Under the directory's lock. */
export interface StatusWriter {
  noteReport(report: SyncReport): Promise<void>;
  noteFollowed(followed: FollowedVolume): Promise<void>;
  noteVanished(vanished: VanishedVolume): Promise<void>;
}

export async function openStatusWriter(
  env: StoreEnvironment,
  directory: string,
  verb: StatusRecord['verb'],
): Promise<StatusWriter> {
  const volumes = { ...(await readStatus(env, directory))?.volumes };
  // Several volumes end at once; each write holds all that is known when it begins.
  let last: Promise<void> = Promise.resolve();
  const note = (name: string, record: VolumeRecord | undefined): Promise<void> => {
    if (record === undefined) delete volumes[name];
    else volumes[name] = record;
    last = last.then(() =>
      replaceJson(env, directory, 'status.json', { verb, writtenAtMs: env.clock.nowMs(), volumes }),
    );
    return last;
  };
  return {
    noteReport(report) {
      const name = nameOf(report);
      const nowMs = env.clock.nowMs();
      const isProved = report.outcome !== 'failed' && report.outcome !== 'unsupported';
      const before = volumes[name];
      return note(name, {
        report,
        finishedAtMs: nowMs,
        provedAtMs: isProved ? nowMs : (before?.provedAtMs ?? null),
        indexProvedAtMs: isProved ? nowMs : (before?.indexProvedAtMs ?? null),
        lagBytes: isProved ? 0 : (before?.lagBytes ?? 0),
        hasVanished: false,
      });
    },
    noteFollowed({ known, report, provedAtMs, indexProvedAtMs, lagBytes, hasVanished }) {
      return note(formatVolumeName(known.volume), {
        report,
        finishedAtMs: env.clock.nowMs(),
        provedAtMs: provedAtMs ?? null,
        indexProvedAtMs: indexProvedAtMs ?? null,
        lagBytes,
        hasVanished,
      });
    },
    async noteVanished({ volume, outcome }) {
      const name = formatVolumeName(volume);
      const before = volumes[name];
      if (before !== undefined)
        await note(name, outcome === 'pruned' ? undefined : { ...before, hasVanished: true });
    },
  };
}

/** `undefined` where there is none, or none that can be read. */
export function readStatus(env: StoreEnvironment, directory: string): Promise<StatusRecord | undefined> {
  return readJson<StatusRecord>(env, directory, 'status.json');
}

export async function readVerifications(env: StoreEnvironment, directory: string): Promise<VerificationFile> {
  return (await readJson<VerificationFile>(env, directory, 'verification.json')) ?? {};
}

/** Adds what a verification found. Does nothing where Holdfast has no folder in DIR or may not write into it. */
export async function noteVerifications(
  env: StoreEnvironment,
  directory: string,
  records: VerificationFile,
): Promise<void> {
  if ((await env.disk.stat(`${directory}/${FOLDER}`)) === undefined) return;
  try {
    const former = await readVerifications(env, directory);
    await replaceJson(env, directory, 'verification.json', { ...former, ...records });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  }
}

async function readJson<T>(env: StoreEnvironment, directory: string, name: string): Promise<T | undefined> {
  try {
    const file = await env.disk.open(`${directory}/${FOLDER}/${name}`, { mode: 'read' });
    try {
      return JSON.parse(new TextDecoder().decode(await file.readAt(0, GREATEST_FILE_BYTES))) as T;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof StoreError && error.code === 'not-found'))
      return undefined;
    throw error;
  }
}

/** Temp, fsync, rename, fsync directory. */
async function replaceJson(
  env: StoreEnvironment,
  directory: string,
  name: string,
  value: unknown,
): Promise<void> {
  const folder = `${directory}/${FOLDER}`;
  if ((await env.disk.stat(folder)) === undefined) await env.disk.makeDirectory(folder);
  const path = `${folder}/${name}`;
  const file = await env.disk.open(`${path}.tmp`, { mode: 'create' });
  try {
    await file.truncate(0);
    await file.writeAt(0, new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`));
    await file.syncData();
  } finally {
    await file.close();
  }
  await env.disk.rename(`${path}.tmp`, path);
  await env.disk.syncDirectory(folder);
}

function nameOf({ id, collection }: SyncReport): string {
  return formatVolumeName({ volumeId: id, collection });
}
