import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSyncPolicy, restoreVolume } from '@holdfast/follower';
import type { Random } from '@holdfast/format';
import { isStoreError, openVolume } from '@holdfast/store';
import { type ExitCode, exitCodes } from './exit-code.js';
import { explainError, formatExplanation } from './explain-error.js';
import type { LocalVolume } from './local-volumes.js';
import { UsageError } from './usage-error.js';
import type { VerbContext } from './verb.js';

/** What a restore of one volume to a temporary place came to. */
export interface SampleResult {
  readonly volume: string;
  readonly ok: boolean;
  /** The instant that was restored, RFC 3339; `null` where none was. */
  readonly instant: string | null;
  readonly datSize: number;
  readonly needlesRead: number;
  /** Needles that could not be read. */
  readonly damage: number;
  readonly code: string | null;
  readonly error: string | null;
  readonly exitCode: ExitCode;
}

/** `count` of the volumes, or all if there are fewer, each as likely as the others. */
export function chooseSample(
  volumes: readonly LocalVolume[],
  count: number,
  random: Random,
): readonly LocalVolume[] {
  const rest = [...volumes];
  const chosen: LocalVolume[] = [];
  while (chosen.length < count && rest.length > 0)
    chosen.push(...rest.splice(Math.floor(random.nextFloat() * rest.length), 1));
  return chosen;
}

/** Restores the newest state of a volume, opens it, reads every live needle, and removes it again. */
export async function restoreSample(
  context: VerbContext,
  directory: string,
  volume: LocalVolume,
): Promise<SampleResult> {
  let out: string | undefined;
  try {
    out = await temporaryDirectory();
    return await sampleInto(context, directory, volume, out);
  } catch (error) {
    context.signal.throwIfAborted();
    const explanation = explainError(error);
    return {
      volume: volume.baseName,
      ok: false,
      instant: null,
      datSize: 0,
      needlesRead: 0,
      damage: 0,
      code: explanation.code,
      error: formatExplanation(explanation),
      exitCode: explanation.exitCode,
    };
  } finally {
    if (out !== undefined) await rm(out, { recursive: true, force: true });
  }
}

async function temporaryDirectory(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'holdfast-sample-'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UsageError(
      `no directory can be made in ${tmpdir()} (${code}): set TMPDIR to one that can be written`,
      {
        cause,
      },
    );
  }
}

async function sampleInto(
  { env, signal }: VerbContext,
  directory: string,
  { name, baseName }: LocalVolume,
  out: string,
): Promise<SampleResult> {
  const { minFreeBytes } = defaultSyncPolicy;
  const options = { directory, volume: name, out, asOfNs: undefined, minFreeBytes, signal };
  const { instant, datSizeBytes } = await restoreVolume(env, options);
  await using volume = await openVolume(env, { directory: out, name: baseName, mode: 'read', signal });
  let needlesRead = 0;
  let firstDamage: string | null = null;
  let damage = 0;
  for (const { needleId } of volume.liveByOffset()) {
    signal.throwIfAborted();
    try {
      await volume.readNeedle(needleId);
      needlesRead += 1;
    } catch (error) {
      if (!isStoreError(error, 'corrupt')) throw error;
      firstDamage ??= error.message;
      damage += 1;
    }
  }
  const ok = damage === 0;
  return {
    volume: baseName,
    ok,
    instant,
    datSize: datSizeBytes,
    needlesRead,
    damage,
    code: ok ? null : 'corrupt',
    error: firstDamage,
    exitCode: ok ? exitCodes.done : exitCodes.damaged,
  };
}
