import type { NeedleContent } from '@holdfast/format';
import { verifyFiles } from '@holdfast/store';
import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { expect } from 'vitest';
import { type NeedleStore, openNeedleStore, type StoredVolume } from '../../src/index.js';

export const directory = '/d';
export const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** A simulated machine with an empty directory. */
export function newMachine(seed = 1, capacityBytes?: number): SimulatedEnvironment {
  const env = createSimulatedEnvironment({ seed, ...(capacityBytes === undefined ? {} : { capacityBytes }) });
  env.disk.plant(`${directory}/keep`, new Uint8Array(0));
  return env;
}

/** A store of a process that has just begun: names that a former one claimed are free. */
export function openStore(env: SimulatedEnvironment): Promise<NeedleStore> {
  const { host } = createSimulatedEnvironment({ seed: 0 });
  return openNeedleStore({ env: { ...env, host }, timers: env.time.timers, directory });
}

export async function newVolume(env: SimulatedEnvironment) {
  const store = await openStore(env);
  return { store, volume: await store.allocate({ volumeId: 7, collection: '' }) };
}

/** Writes a needle whose cookie is its id. */
export function put(volume: StoredVolume, id: number, data: Uint8Array, more: Partial<NeedleContent> = {}) {
  return volume.write({ content: { needleId: BigInt(id), cookie: id, ...more }, data });
}

export async function readAll(volume: StoredVolume, id: number): Promise<Buffer> {
  const needle = await volume.open(BigInt(id));
  try {
    return await collect(needle.read());
  } finally {
    await needle.close();
  }
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece.slice());
  return Buffer.concat(parts);
}

export async function* inPieces(data: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += pieceBytes) yield data.subarray(at, at + pieceBytes);
}

/** Verification of the closed volume finds no damage. */
export async function expectSound(env: SimulatedEnvironment, name = '7'): Promise<void> {
  const findings: unknown[] = [];
  for await (const finding of verifyFiles(env, { directory, name }))
    if (finding.severity === 'damage') findings.push(finding);
  expect(findings).toEqual([]);
}
