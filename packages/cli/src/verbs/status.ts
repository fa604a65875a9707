import { formatVolumeName } from '@holdfast/format';
import { findLockHolder } from '@holdfast/store';
import { exitCodes } from '../exit-code.js';
import { instantOrDayMs } from '../flag-values.js';
import { type LocalVolume, selectLocalVolumes } from '../local-volumes.js';
import { formatBytes } from '../output.js';
import { showRecordAt } from '../record-at.js';
import { releaseVolumes } from '../release-volumes.js';
import { readStatus } from '../status-file.js';
import { directoryFlag, selectionFlags, selectionOf } from '../sync-flags.js';
import { UsageError } from '../usage-error.js';
import { defineVerb, type VerbContext } from '../verb.js';
import { readVerifications, type VerificationRecord } from '../verification-file.js';
import { parseVolumeRanges } from '../volume-selection.js';
import {
  type GenerationStatus,
  proofAgeSeconds,
  readGenerations,
  type VerificationStatus,
  type VolumeRun,
  verificationOf,
} from '../volume-status.js';

/** As `status.json` has it, with what DIR says now. Fields of runs are `null` where none is known. */
type VolumeLine = { readonly [K in keyof VolumeRun]: VolumeRun[K] | null } & {
  readonly id: number;
  readonly collection: string;
  /** Whether it follows a leader. */
  readonly followed: boolean;
  readonly datSize: number;
  readonly secondsSinceProof: number | null;
  readonly lastVerification: VerificationStatus | null;
  readonly generations: readonly GenerationStatus[];
};

const NO_RUN = {
  outcome: null,
  ok: null,
  code: null,
  error: null,
  server: null,
  revision: null,
  lastAppendAtNs: null,
  bytesReceived: null,
  bytesReused: null,
  liveNeedles: null,
  lossGuard: null,
  lastRunAt: null,
  lastProofAt: null,
  lastIndexProofAt: null,
  lagBytes: null,
  nextTryAt: null,
  hasVanished: null,
} as const;

export const status = defineVerb({
  name: 'status',
  summary: 'tells how each volume of a directory stands: last run, lag, last proof, what can be restored',
  positionals: [],
  flags: {
    dir: directoryFlag,
    ...selectionFlags,
    release: {
      kind: 'list',
      placeholder: 'N',
      help: 'give up what the loss guard or damage holds of these volumes; nothing else may work in DIR',
      parse: parseVolumeRanges,
    },
    at: {
      kind: 'option',
      placeholder: 'TIME',
      help: 'the newest run record at TIME instead: what was proved by then. A day, or RFC 3339',
      parse: instantOrDayMs,
    },
  },
  examples: [
    'holdfast status --dir /backup',
    'holdfast status --dir /backup --volume 7 --at 2026-11-03',
    'holdfast status --dir /backup --release 7',
  ],
  async run(flags, _positionals, context) {
    const { env, output } = context;
    const selection = selectionOf(flags);
    if (flags.at !== undefined) {
      if (flags.release.length > 0) throw new UsageError('--release is about now: leave --at out');
      return showRecordAt(flags.dir, flags.at, selection, context);
    }
    if (flags.release.length > 0)
      await releaseVolumes(flags.dir, { ...selection, volumes: flags.release }, context);
    const { directory, volumes } = await selectLocalVolumes(env, flags.dir, selection);
    const document = await readStatus(env, directory);
    const verifications = await readVerifications(env, directory);
    const holder = await findLockHolder(env, directory);
    const lines: VolumeLine[] = [];
    for (const volume of volumes) {
      const run = document?.volumes[volume.baseName];
      const line = await lineOf(directory, volume, run, verifications[volume.baseName], context);
      lines.push(line);
      output.event({ event: 'status', ...line }, describe(line, env.clock.nowMs()));
    }
    const ok = lines.every((line) => line.ok !== false);
    const worker = holder === undefined ? null : { pid: holder.pid, host: holder.hostName };
    const work =
      worker === null
        ? 'nothing works in this directory now'
        : `process ${worker.pid} on ${worker.host} works in this directory`;
    output.summary({ ok, dir: directory, worker, volumes: lines }, work);
    return exitCodes.done;
  },
});

async function lineOf(
  directory: string,
  { name, isFollowed, baseName }: LocalVolume,
  run: VolumeRun | undefined,
  verification: VerificationRecord | undefined,
  { env }: VerbContext,
): Promise<VolumeLine> {
  const generations = isFollowed ? await readGenerations(env, { directory, volume: name }) : [];
  const current = generations.find(({ isCurrent }) => isCurrent);
  const onDisk = (await env.disk.stat(`${directory}/${baseName}.dat`))?.sizeBytes ?? 0;
  return {
    ...NO_RUN,
    ...run,
    id: name.volumeId,
    collection: name.collection,
    followed: isFollowed,
    datSize: current?.datSize ?? onDisk,
    revision: current?.revision ?? null,
    secondsSinceProof: run === undefined ? null : proofAgeSeconds(run, env.clock.nowMs()),
    lastVerification: verificationOf(verification),
    generations,
  };
}

function describe(line: VolumeLine, nowMs: number): string {
  const lines = [`volume ${formatVolumeName({ volumeId: line.id, collection: line.collection })}`];
  const row = (label: string, text: string) => lines.push(`  ${label.padEnd(18)}${text}`);
  if (!line.followed) lines.push('  follows no leader');
  row('last run', line.lastRunAt === null ? 'none recorded' : `${describeRun(line)}, ${line.lastRunAt}`);
  if (line.nextTryAt !== null) row('next', `at ${line.nextTryAt} at the latest, while it is followed`);
  const origin =
    line.revision === null ? '' : `, revision ${line.revision}, from ${line.server || 'a leader'}`;
  row('held', `${formatBytes(line.datSize)}${origin}`);
  const lag = line.lagBytes ? `, ${formatBytes(line.lagBytes)} behind at the last look` : '';
  row(
    'last proof',
    `${line.secondsSinceProof === null ? 'never' : `${line.secondsSinceProof.toFixed(0)} s ago`}${lag}`,
  );
  row('last verification', describeVerification(line.lastVerification, nowMs));
  for (const generation of line.generations) lines.push(`  ${describeGeneration(generation)}`);
  if (line.hasVanished) lines.push('  the cluster no longer lists it; the copy is kept');
  if (line.lossGuard) {
    lines.push(
      `  the loss guard holds a former state: restore from it, or give it up by --release ${line.id}`,
    );
  }
  return lines.join('\n');
}

function describeRun({ ok, outcome, code, error }: VolumeLine): string {
  return ok ? `${outcome}` : `${outcome} (${code}): ${error}`;
}

function describeVerification(seen: VerificationStatus | null, nowMs: number): string {
  if (seen === null) return 'never';
  const found = seen.ok ? 'no damage' : `${seen.findings} findings`;
  const covered = seen.covered === 'leader' ? 'files and leader' : 'files';
  return `${found}, ${covered}, ${((nowMs - Date.parse(seen.at)) / 1000).toFixed(0)} s ago`;
}

function describeGeneration(generation: GenerationStatus): string {
  const { id, isCurrent, revision, datSize, restorableFrom, restorableUntil, heldFor } = generation;
  const until = restorableUntil ?? (isCurrent ? 'now' : 'an unknown time');
  const held = heldFor === null ? '' : `, held (${heldFor}) until it is released`;
  return `generation ${id}${isCurrent ? ' (current)' : ''}: revision ${revision}, ${formatBytes(datSize)}, restorable from ${restorableFrom} to ${until}${held}`;
}
