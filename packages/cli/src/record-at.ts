import { resolve } from 'node:path';
import { parseVolumeName } from '@holdfast/format';
import { type ExitCode, exitCodes } from './exit-code.js';
import { formatBytes } from './output.js';
import { checkRunChain, listRunRecords, readRunRecord, recordAt } from './run-chain.js';
import type { RecordedVolume } from './run-record.js';
import { UsageError } from './usage-error.js';
import type { VerbContext } from './verb.js';
import { describeSelection, isSelected, type VolumeSelection } from './volume-selection.js';
import { timeOf } from './volume-status.js';

/**
 * Tells what the newest run record at `atMs` says of the selected volumes, and whether the chain of records is whole.
 * `ok`: it is, and each of them had been proved by its last run.
 */
export async function showRecordAt(
  path: string,
  atMs: number,
  selection: VolumeSelection,
  { env, output, signal }: VerbContext,
): Promise<ExitCode> {
  const directory = resolve(path);
  const names = await listRunRecords(env, directory);
  const [oldest, newest] = [names[0], names.at(-1)];
  if (oldest === undefined || newest === undefined) {
    throw new UsageError(`${directory} has no run record: backup and follow make them`);
  }
  const name = recordAt(names, atMs);
  if (name === undefined) {
    throw new UsageError(
      `no run record reaches back to ${timeOf(atMs)}: the oldest is of ${timeOf(oldest.endedAtMs)}`,
    );
  }
  const problems = await checkRunChain(env, directory, names, signal);
  const { record } = await readRunRecord(env, directory, name);
  const volumes = Object.entries(record?.volumes ?? {}).filter(([baseName]) => {
    const { volumeId, collection } = parseVolumeName(baseName);
    return isSelected(selection, volumeId, collection);
  });
  if (record !== undefined && volumes.length === 0) {
    throw new UsageError(
      `nothing matched: the record of ${record.endedAt} has no volume for ${describeSelection(selection)}`,
    );
  }
  for (const [volume, recorded] of volumes) {
    output.event({ event: 'recorded', volume, ...recorded }, `volume ${volume}: ${describe(recorded)}`);
  }
  for (const problem of problems)
    output.event({ event: 'chain', ...problem }, `${problem.record}: ${problem.problem}`);
  const isWhole = problems.length === 0;
  const chain = {
    ok: isWhole,
    records: names.length,
    oldest: timeOf(oldest.endedAtMs),
    newest: timeOf(newest.endedAtMs),
    newestSha256: newest.sha256,
    problems,
  };
  output.summary(
    {
      ok: isWhole && record !== undefined && volumes.every(([, { ok }]) => ok),
      at: timeOf(atMs),
      record: name.name,
      verb: record?.verb ?? null,
      endedAt: record?.endedAt ?? null,
      holdfast: record?.holdfast ?? null,
      chain,
      volumes: volumes.map(([volume, recorded]) => ({ volume, ...recorded })),
    },
    `record ${name.serial} of ${record?.endedAt ?? 'an unknown time'}; ${isWhole ? `the chain of ${names.length} records is whole` : 'the chain of records is NOT whole'}, the newest is ${newest.sha256}`,
  );
  return isWhole ? exitCodes.done : exitCodes.damaged;
}

function describe({ ok, outcome, code, lastProofAt, held }: RecordedVolume): string {
  const run = ok ? `good (${outcome})` : `NOT proved by its last run (${code ?? outcome})`;
  const proof = lastProofAt === null ? 'never proved' : `proved ${lastProofAt}`;
  if (held === null) return `${run}, ${proof}, nothing held`;
  const { datSize, revision, server, generation, digest } = held;
  return `${run}, ${proof}, ${formatBytes(datSize)} of revision ${revision} from ${server}, generation ${generation}, digest ${digest}`;
}
