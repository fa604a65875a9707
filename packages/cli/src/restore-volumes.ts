import {
  FollowError,
  planRestore,
  type RestorableRange,
  type RestorableState,
  type RestoredVolume,
  restoreVolume,
} from '@holdfast/follower';
import { formatInstant } from '@holdfast/format';
import { combineExitCodes, type ExitCode, exitCodes } from './exit-code.js';
import { explainError, formatExplanation } from './explain-error.js';
import type { LocalVolume } from './local-volumes.js';
import { formatBytes } from './output.js';
import { createProgressView, progressTerminal } from './progress.js';
import { assertFits, makeOutDirectory } from './restore-directory.js';
import type { VerbContext } from './verb.js';

export interface RestoreVolumesOptions {
  readonly context: VerbContext;
  /** DIR and the directory that is written to, absolute. */
  readonly directory: string;
  readonly out: string;
  readonly asOfNs: bigint | undefined;
  readonly minFreeBytes: number;
  readonly isDryRun: boolean;
}

/** What became of one volume: the state that was, or would be, restored; or why not. */
type Outcome =
  | { readonly volume: LocalVolume; readonly state: RestorableState | RestoredVolume }
  | { readonly volume: LocalVolume; readonly error: unknown };

/** One volume after the other, once all of them are known to fit. What one fails of does not keep the others. */
export async function restoreVolumes(
  options: RestoreVolumesOptions,
  volumes: readonly LocalVolume[],
): Promise<ExitCode> {
  const { context, directory, out, asOfNs, minFreeBytes, isDryRun } = options;
  const { env, output, signal } = context;
  const planned = await eachVolume(volumes, context, ({ name }) =>
    planRestore(env, { directory, volume: name, asOfNs }, signal),
  );
  const possible = planned.filter((outcome) => !('error' in outcome));
  const neededBytes = sum(possible, ({ neededBytes }) => neededBytes);
  const freeBytes = await assertFits(env, out, neededBytes, minFreeBytes);
  const told = isDryRun ? planned : planned.filter((outcome) => 'error' in outcome);
  for (const outcome of told)
    output.event({ event: 'planned', ...lineOf(outcome) }, describe(outcome, isDryRun));
  const outcomes = isDryRun
    ? planned
    : [
        ...told,
        ...(await restorePlanned(
          options,
          possible.map(({ volume }) => volume),
        )),
      ];
  const ok = outcomes.every((outcome) => !('error' in outcome));
  const asOf = asOfNs === undefined ? null : formatInstant(asOfNs);
  output.summary(
    { ok, out, asOf, dryRun: isDryRun, neededBytes, freeBytes, volumes: outcomes.map(lineOf) },
    isDryRun
      ? `${possible.length} of ${volumes.length} volumes can be restored: they take ${formatBytes(neededBytes)}, ${formatBytes(freeBytes)} are free`
      : `${outcomes.filter((outcome) => !('error' in outcome)).length} of ${volumes.length} volumes restored to ${out}`,
  );
  return combineExitCodes(outcomes.map(exitCodeOf));
}

async function restorePlanned(
  { context, directory, out, asOfNs, minFreeBytes }: RestoreVolumesOptions,
  volumes: readonly LocalVolume[],
): Promise<readonly Outcome[]> {
  const { env, output, signal } = context;
  if (volumes.length > 0) await makeOutDirectory(env, out);
  const progress = await createProgressView({
    clock: env.clock,
    terminal: progressTerminal(output),
    writeLine: (line) => output.event({}, line),
    volumeCount: volumes.length,
  });
  try {
    return await eachVolume(
      volumes,
      context,
      ({ name }) => {
        const { volumeId } = name;
        const onProgress = (doneBytes: number, totalBytes: number) =>
          progress.update({ volumeId, doneBytes, totalBytes, bytesReceived: doneBytes });
        const options = { directory, volume: name, out, asOfNs, minFreeBytes, signal, onProgress };
        return restoreVolume(env, options);
      },
      (outcome) => {
        if (output.isJson) output.event({ event: 'restored', ...lineOf(outcome) });
        else progress.finish(outcome.volume.name.volumeId, describe(outcome, false));
      },
    );
  } finally {
    progress.close();
  }
}

async function eachVolume(
  volumes: readonly LocalVolume[],
  { signal }: VerbContext,
  work: (volume: LocalVolume) => Promise<RestorableState>,
  onOutcome: (outcome: Outcome) => void = () => {},
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const volume of volumes) {
    let outcome: Outcome;
    try {
      outcome = { volume, state: await work(volume) };
    } catch (error) {
      signal.throwIfAborted();
      outcome = { volume, error };
    }
    outcomes.push(outcome);
    onOutcome(outcome);
  }
  return outcomes;
}

function sum(outcomes: readonly Outcome[], of: (state: RestorableState) => number): number {
  return outcomes.reduce((total, outcome) => total + ('error' in outcome ? 0 : of(outcome.state)), 0);
}

/** One volume of the summary object. */
function lineOf(outcome: Outcome): Record<string, unknown> {
  const { volumeId: id, collection } = outcome.volume.name;
  if (!('error' in outcome)) return { id, collection, ok: true, code: null, error: null, ...outcome.state };
  const { code, message } = explainError(outcome.error);
  const covered = outcome.error instanceof FollowError ? outcome.error.covered.map(rangeOf) : [];
  return { id, collection, ok: false, code, error: message, covered };
}

function rangeOf({ generation, revision, fromMs, untilMs }: RestorableRange) {
  const show = (atMs: number) => formatInstant(BigInt(atMs) * 1_000_000n);
  return { generation, revision, from: show(fromMs), until: untilMs === null ? null : show(untilMs) };
}

function describe(outcome: Outcome, isDryRun: boolean): string {
  const name = `volume ${outcome.volume.baseName}`;
  if ('error' in outcome) return `${name}: not restored: ${formatExplanation(explainError(outcome.error))}`;
  const { state } = outcome;
  const { instant, generation, revision, datSizeBytes, neededBytes, isBetweenCommits } = state;
  const kind = isBetweenCommits ? 'a record between two commits' : 'a commit';
  const where = `as it was at ${instant} (${kind}), generation ${generation}, revision ${revision}`;
  if (isDryRun) return `${name}: ${where}, takes ${formatBytes(neededBytes)}`;
  const { liveNeedles, damaged } = state as RestoredVolume;
  const bad = damaged.length === 0 ? '' : `; ${damaged.length} of them were damaged on the leader already`;
  return `${name}: ${where}, ${formatBytes(datSizeBytes)}, ${liveNeedles} live needles${bad}`;
}

function exitCodeOf(outcome: Outcome): ExitCode {
  return 'error' in outcome ? explainError(outcome.error).exitCode : exitCodes.done;
}
