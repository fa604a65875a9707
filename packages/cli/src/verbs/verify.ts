import { resolve } from 'node:path';
import { masterFlag, openCluster } from '../cluster.js';
import { combineExitCodes, exitCodes } from '../exit-code.js';
import { integer } from '../flag-values.js';
import { type LocalVolume, selectLocalVolumes } from '../local-volumes.js';
import { chooseSample, restoreSample, type SampleResult } from '../restore-sample.js';
import { readSecurity, securityFlags } from '../security.js';
import { directoryFlag, selectionFlags, selectionOf } from '../sync-flags.js';
import { defineVerb, type VerbContext } from '../verb.js';
import { noteVerifications, type VerificationRecord } from '../verification-file.js';
import { type VolumeFinding, type VolumeVerification, verifyVolume } from '../verify-volume.js';

export const verify = defineVerb({
  name: 'verify',
  summary: 'checks every CRC, entry and block digest, and with --master every byte against the leader',
  positionals: [],
  flags: {
    dir: directoryFlag,
    master: { ...masterFlag, help: 'also compare with the leaders of this cluster, byte by byte' },
    ...selectionFlags,
    'restore-sample': {
      kind: 'option',
      placeholder: 'N',
      help: 'also restore N of the volumes, chosen at random, to a temporary directory (TMPDIR) and read all of it',
      parse: integer(1, 1_000_000),
    },
    ...securityFlags,
  },
  examples: [
    'holdfast verify --dir /backup',
    'holdfast verify --dir /backup --volume 7 --master 127.0.0.1:9333',
    'holdfast verify --dir /backup --restore-sample 3',
  ],
  async run(flags, _positionals, context) {
    const { env, output, signal } = context;
    const selection = selectionOf(flags);
    const { directory, volumes } = await selectLocalVolumes(env, resolve(flags.dir), selection);
    const cluster =
      flags.master === undefined
        ? undefined
        : openCluster({
            masters: flags.master,
            security: await readSecurity(flags),
            selection,
            context,
          });
    const known = (await cluster?.list(signal))?.volumes;
    const results: VolumeVerification[] = [];
    for (const volume of volumes) {
      const result = await verifyVolume(
        { context, directory, known, onFinding: (finding) => showFinding(volume, finding, context) },
        volume,
      );
      results.push(result);
      output.event(
        { event: 'verified', volume: volume.baseName, ...result },
        `volume ${volume.baseName}: ${describe(result)}`,
      );
    }
    await noteVerifications(env, directory, recordsOf(volumes, results, env.clock.nowMs()));
    const sample = await restoreSamples(volumes, flags['restore-sample'] ?? 0, directory, context);
    const ok = [...results, ...sample].every((result) => result.ok);
    output.summary(
      {
        ok,
        volumes: results.map((result, i) => ({ volume: volumes[i]!.baseName, ...result })),
        restored: sample,
      },
      ok
        ? `${results.length} volumes verified: no damage${cluster === undefined ? '; compared with no leader (--master does)' : ', equal to their leaders'}${sample.length === 0 ? '' : `; ${sample.length} restored and read`}`
        : `${results.filter((result) => !result.ok).length} of ${results.length} volumes did not verify${sample.length === 0 ? '' : `, ${sample.filter((result) => !result.ok).length} of ${sample.length} did not restore`}`,
    );
    return combineExitCodes([...results, ...sample].map((result) => result.exitCode));
  },
});

/** Of the volumes that are followed: only they have states to restore. */
async function restoreSamples(
  volumes: readonly LocalVolume[],
  count: number,
  directory: string,
  context: VerbContext,
): Promise<readonly SampleResult[]> {
  const followed = volumes.filter(({ isFollowed }) => isFollowed);
  const results: SampleResult[] = [];
  for (const volume of chooseSample(followed, count, context.env.random)) {
    const result = await restoreSample(context, directory, volume);
    results.push(result);
    const { ok, needlesRead, instant, error } = result;
    context.output.event(
      { event: 'sampled', ...result },
      ok
        ? `volume ${volume.baseName}: restored as it was at ${instant}, ${needlesRead} needles read`
        : `volume ${volume.baseName}: not restored whole: ${error}`,
    );
  }
  return results;
}

function describe({ ok, damage, notes, error, datSize, covered, exitCode }: VolumeVerification): string {
  if (ok)
    return `${datSize} bytes verified${covered === 'leader' ? ', equal to the leader' : ''}${notes === 0 ? '' : `, ${notes} notes`}`;
  if (error !== null && exitCode !== exitCodes.damaged) return `not verified: ${error}`;
  return `${damage} findings${error === null ? '' : `; ${error}`}`;
}

function showFinding({ baseName }: LocalVolume, finding: VolumeFinding, { output }: VerbContext): void {
  const { code, offset, needle, message } = finding;
  const place = `${offset === null ? '' : ` at ${offset}`}${needle === null ? '' : ` (needle ${needle})`}`;
  output.event(
    { event: 'finding', volume: baseName, ...finding },
    `volume ${baseName}: ${code}${place}: ${message}`,
  );
}

function recordsOf(volumes: readonly LocalVolume[], results: readonly VolumeVerification[], atMs: number) {
  const records: Record<string, VerificationRecord> = {};
  for (const [i, { ok, damage, covered, datSize }] of results.entries()) {
    records[volumes[i]!.baseName] = { atMs, ok, findings: damage, covered, datSizeBytes: datSize };
  }
  return records;
}
