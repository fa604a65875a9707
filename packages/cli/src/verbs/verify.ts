import { resolve } from 'node:path';
import { masterFlag, openCluster } from '../cluster.js';
import { combineExitCodes, exitCodes } from '../exit-code.js';
import { type LocalVolume, selectLocalVolumes } from '../local-volumes.js';
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
    ...securityFlags,
  },
  examples: [
    'holdfast verify --dir /backup',
    'holdfast verify --dir /backup --volume 7 --master 127.0.0.1:9333',
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
    const ok = results.every((result) => result.ok);
    output.summary(
      { ok, volumes: results.map((result, i) => ({ volume: volumes[i]!.baseName, ...result })) },
      ok
        ? `${results.length} volumes verified: no damage${cluster === undefined ? '; compared with no leader (--master does)' : ', equal to their leaders'}`
        : `${results.filter((result) => !result.ok).length} of ${results.length} volumes did not verify`,
    );
    return combineExitCodes(results.map((result) => result.exitCode));
  },
});

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
