import { readdirSync, readFileSync } from 'node:fs';
import { createMemoryNetwork } from '@holdfast/protocol';
import { describe, expect, test } from 'vitest';
import { createStockServer } from '../../src/index.js';

const fixtures = new URL('../../fixtures/', import.meta.url);
const evolutions = readdirSync(fixtures).filter((name) => name.startsWith('evolution-'));

interface Step {
  readonly n: number;
  readonly operations: readonly { readonly op: string }[];
  readonly live: readonly { readonly key: string; readonly size: number }[];
}

interface Manifest {
  readonly offsetBytes: 4 | 5;
  readonly volumeId: number;
  readonly steps: readonly Step[];
}

const network = createMemoryNetwork({ timers: { sleep: () => new Promise(() => {}) } });

describe.each(evolutions)('%s', (name) => {
  const manifest = JSON.parse(readFileSync(new URL(`${name}/manifest.json`, fixtures), 'utf8')) as Manifest;
  const leader = (step: Step, ext: string): Uint8Array =>
    readFileSync(new URL(`${name}/${String(step.n).padStart(2, '0')}/leader${ext}`, fixtures));
  const server = (): ReturnType<typeof createStockServer> =>
    createStockServer({ network, offsetWidthBytes: manifest.offsetBytes });

  test('a needle is live after a load exactly where the real server answered it', () => {
    for (const step of manifest.steps) {
      const volume = server().adopt(manifest.volumeId, leader(step, '.dat'), leader(step, '.idx'));
      const live = volume.liveNeedles().map((needle) => needle.needleId);
      const expected = step.live.map((needle) => BigInt(`0x${needle.key}`));
      expect(new Set(live)).toEqual(new Set(expected));
    }
  });

  const vacuums = manifest.steps.filter(
    (step) => step.n > 0 && step.operations.map(({ op }) => op).join() === VACUUM,
  );
  if (vacuums.length > 0)
    test('a vacuum gives the bytes that the real one gave', () => {
      for (const step of vacuums) {
        const before = manifest.steps[step.n - 1]!;
        const volume = server().adopt(manifest.volumeId, leader(before, '.dat'), leader(before, '.idx'));
        volume.vacuum();
        expect(Buffer.compare(volume.dat, leader(step, '.dat'))).toBe(0);
        expect(Buffer.compare(volume.idx, leader(step, '.idx'))).toBe(0);
      }
    });
});

const VACUUM = 'VacuumVolumeCompact,VacuumVolumeCommit,VacuumVolumeCleanup';
