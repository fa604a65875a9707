import { defaultSyncPolicy, type SyncReport, syncVolume } from '@holdfast/follower';
import type { RpcService } from '@holdfast/protocol';
import { openVolumeHome } from '@holdfast/store';
import {
  createSimulatedEnvironment,
  createSimulatedScheduler,
  type SimulatedEnvironment,
  type StockVolume,
} from '@holdfast/testkit';
import { expectThat, Violation } from './fuzz-target.js';
import { type LedVolume, VOLUME_ID } from './led-volume.js';

export const DIRECTORY = '/copy';
const VOLUME = { volumeId: VOLUME_ID, collection: '' };
const POLICY = { ...defaultSyncPolicy, attempts: 3, minFreeBytes: 0, firstStepBytes: 4096, vacuumWaitMs: 0 };
/** Of virtual time: more than five tries with all their pauses take. */
const LIMIT_MS = 4 * 3_600_000;

/** A life of two parts. */
export function begin(volume: StockVolume): void {
  for (let id = 1; id <= 6; id++) volume.put(BigInt(id), new Uint8Array(600).fill(id));
  volume.delete(2n);
  volume.put(3n, new Uint8Array(900).fill(33));
}

export function goOn(volume: StockVolume): void {
  for (let id = 7; id <= 12; id++) volume.put(BigInt(id), new Uint8Array(700).fill(id));
  volume.delete(5n);
  volume.put(1n, new Uint8Array(0));
}

/** Every file of a directory that has a copy of the volume; `before`: what had been in it. */
export async function copiedFiles(
  led: LedVolume,
  before: ReadonlyMap<string, Uint8Array> = new Map(),
): Promise<ReadonlyMap<string, Uint8Array>> {
  const env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
  for (const [path, bytes] of before) env.disk.plant(path, bytes);
  const report = await syncCopy(env, led);
  expectThat(report.ok, `the copy cannot be made: ${report.error}`);
  return new Map(env.disk.files().map((path) => [path, env.disk.peek(path)]));
}

/** One run of the real follower, in virtual time. */
export async function syncCopy(
  env: SimulatedEnvironment,
  led: LedVolume,
  between?: (service: RpcService) => RpcService,
): Promise<SyncReport> {
  const scheduler = createSimulatedScheduler();
  const { time } = scheduler;
  const { clock, timers } = time;
  const end = await scheduler.run(async () => {
    const home = await openVolumeHome(env, { directory: DIRECTORY, volume: VOLUME, takeOver: true });
    try {
      return await syncVolume({
        home,
        directory: DIRECTORY,
        volume: VOLUME,
        leader: await led.connect(time, between),
        server: 'here',
        env: { ...env, clock },
        timers,
        policy: POLICY,
        signal: new AbortController().signal,
      });
    } finally {
      await home.close();
    }
  }, LIMIT_MS);
  if (end.kind === 'failed') throw end.error;
  if (end.kind !== 'done') throw new Violation(`the run is ${end.kind}`);
  return end.value;
}

/** Honest answers until there is nothing more to do. */
export async function settle(env: SimulatedEnvironment, led: LedVolume): Promise<SyncReport> {
  const first = await syncCopy(env, led);
  return first.ok ? first : syncCopy(env, led);
}

export function expectSame(found: Uint8Array, expected: Uint8Array, what: string): void {
  expectThat(Buffer.compare(found, expected) === 0, `the ${what} is not the leader's`);
}
