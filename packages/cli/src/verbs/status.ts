import { formatVolumeName } from '@holdfast/format';
import { listReadableGenerations, openGenerationReader, StoreError } from '@holdfast/store';
import { exitCodes } from '../exit-code.js';
import { type LocalVolume, selectLocalVolumes } from '../local-volumes.js';
import { formatBytes } from '../output.js';
import { readStatus, readVerifications, type VerificationRecord, type VolumeRecord } from '../status-file.js';
import { directoryFlag, selectionFlags, selectionOf } from '../sync-flags.js';
import { defineVerb, type VerbContext } from '../verb.js';

/** One generation and the committed states that it can be restored to. */
interface GenerationStatus {
  readonly id: number;
  readonly isCurrent: boolean;
  readonly revision: number;
  readonly datSize: number;
  /** RFC 3339; `null` where nothing was committed. */
  readonly restorableFrom: string | null;
  readonly restorableTo: string | null;
  readonly states: number;
}

interface VolumeStatus {
  readonly id: number;
  readonly collection: string;
  readonly followed: boolean;
  readonly ok: boolean | null;
  readonly outcome: string | null;
  readonly code: string | null;
  readonly error: string | null;
  readonly revision: number | null;
  readonly datSize: number;
  readonly lastAppendAtNs: string | null;
  readonly leader: string | null;
  readonly lagBytes: number | null;
  readonly lastRunAt: string | null;
  readonly lastProofAt: string | null;
  readonly secondsSinceProof: number | null;
  readonly hasVanished: boolean;
  readonly lossGuard: boolean;
  readonly lastVerification: (Omit<VerificationRecord, 'atMs'> & { readonly at: string }) | null;
  readonly generations: readonly GenerationStatus[];
}

export const status = defineVerb({
  name: 'status',
  summary: 'tells how each volume of a directory stands: last run, lag, last proof, what can be restored',
  positionals: [],
  flags: { dir: directoryFlag, ...selectionFlags },
  examples: ['holdfast status --dir /backup', 'holdfast status --dir /backup --volume 7 --json'],
  async run(flags, _positionals, context) {
    const { env, output } = context;
    const { directory, volumes } = await selectLocalVolumes(env, flags.dir, selectionOf(flags));
    const [runs, verifications] = [await readStatus(env, directory), await readVerifications(env, directory)];
    const statuses: VolumeStatus[] = [];
    for (const volume of volumes) {
      const found = await statusOf(
        directory,
        volume,
        runs?.volumes[volume.baseName],
        verifications[volume.baseName],
        context,
      );
      statuses.push(found);
      output.event({ event: 'status', ...found }, describe(found, env.clock.nowMs()));
    }
    const ok = statuses.every((found) => found.ok !== false);
    output.summary({ ok, dir: directory, volumes: statuses }, '');
    return exitCodes.done;
  },
});

async function statusOf(
  directory: string,
  { name, isFollowed, baseName }: LocalVolume,
  run: VolumeRecord | undefined,
  verification: VerificationRecord | undefined,
  context: VerbContext,
): Promise<VolumeStatus> {
  const generations = isFollowed
    ? await readGenerations(directory, { name, isFollowed, baseName }, context)
    : [];
  const current = generations.find(({ isCurrent }) => isCurrent);
  const nowMs = context.env.clock.nowMs();
  const provedAtMs = run?.provedAtMs ?? null;
  return {
    id: name.volumeId,
    collection: name.collection,
    followed: isFollowed,
    ok: run?.report.ok ?? null,
    outcome: run?.report.outcome ?? null,
    code: run?.report.code ?? null,
    error: run?.report.error ?? null,
    revision: current?.revision ?? null,
    datSize:
      current?.datSize ?? (await context.env.disk.stat(`${directory}/${baseName}.dat`))?.sizeBytes ?? 0,
    lastAppendAtNs: current?.lastAppendAtNs ?? null,
    leader: current?.leader ?? null,
    lagBytes: run?.lagBytes ?? null,
    lastRunAt: timeOf(run?.finishedAtMs ?? null),
    lastProofAt: timeOf(provedAtMs),
    secondsSinceProof: provedAtMs === null ? null : Math.max(0, (nowMs - provedAtMs) / 1000),
    hasVanished: run?.hasVanished ?? false,
    lossGuard: run?.report.lossGuard ?? false,
    lastVerification: verification === undefined ? null : verificationOf(verification),
    generations: generations.map(({ lastAppendAtNs: _stamp, leader: _leader, ...generation }) => generation),
  };
}

async function readGenerations(directory: string, { name }: LocalVolume, { env, signal }: VerbContext) {
  const where = { directory, volume: name };
  const currentId = await openGenerationReader(env, where).then(
    async (reader) => {
      await reader.close();
      return reader.id;
    },
    (error) => {
      if (error instanceof StoreError) return undefined;
      throw error;
    },
  );
  const generations: (GenerationStatus & { readonly lastAppendAtNs: string; readonly leader: string })[] = [];
  for (const id of await listReadableGenerations(env, where)) {
    const reader = await openGenerationReader(env, { ...where, generation: id }).catch((error: unknown) => {
      // An unfinished one has no files to read yet; a former one may have been pruned since the listing.
      if (error instanceof StoreError) return undefined;
      throw error;
    });
    if (reader === undefined) continue;
    try {
      let states = 0;
      let firstMs: number | null = null;
      let lastMs: number | null = null;
      for await (const { atMs } of reader.history(signal)) {
        states += 1;
        firstMs ??= atMs;
        lastMs = atMs;
      }
      const { revision, datSizeBytes, lastAppendAtNs, leaderCopy } = reader.position;
      generations.push({
        id,
        isCurrent: id === currentId,
        revision,
        datSize: datSizeBytes,
        restorableFrom: timeOf(firstMs),
        restorableTo: timeOf(lastMs),
        states,
        lastAppendAtNs,
        leader: leaderCopy.server,
      });
    } finally {
      await reader.close();
    }
  }
  return generations;
}

function verificationOf({ atMs, ...rest }: VerificationRecord) {
  return { at: new Date(atMs).toISOString(), ...rest };
}

function timeOf(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

function describe(found: VolumeStatus, nowMs: number): string {
  const lines = [`volume ${formatVolumeName({ volumeId: found.id, collection: found.collection })}`];
  if (!found.followed) lines.push('  follows no leader');
  const run =
    found.ok === null
      ? 'none recorded'
      : `${found.outcome}${found.ok ? '' : ` (${found.code}): ${found.error}`}`;
  lines.push(`  last run          ${run}${found.lastRunAt === null ? '' : `, ${found.lastRunAt}`}`);
  lines.push(
    `  held              ${formatBytes(found.datSize)}${found.revision === null ? '' : `, revision ${found.revision}, from ${found.leader}`}`,
  );
  const age = found.secondsSinceProof === null ? 'never' : `${found.secondsSinceProof.toFixed(0)} s ago`;
  lines.push(
    `  last proof        ${age}${found.lagBytes ? `, ${formatBytes(found.lagBytes)} behind at the last look` : ''}`,
  );
  const seen = found.lastVerification;
  const covered = seen?.covered === 'leader' ? 'files and leader' : 'files';
  lines.push(
    `  last verification ${seen === null ? 'never' : `${seen.ok ? 'no damage' : `${seen.findings} findings`}, ${covered}, ${((nowMs - Date.parse(seen.at)) / 1000).toFixed(0)} s ago`}`,
  );
  for (const { id, isCurrent, revision, states, restorableFrom, restorableTo } of found.generations) {
    lines.push(
      `  generation ${id}${isCurrent ? ' (current)' : ''}: revision ${revision}, ${states} states from ${restorableFrom} to ${restorableTo}`,
    );
  }
  if (found.hasVanished) lines.push('  the cluster no longer lists it; the copy is kept');
  if (found.lossGuard) lines.push('  the loss guard holds a former state');
  return lines.join('\n');
}
