import { createSimulatedEnvironment } from '@holdfast/testkit';
import { expect, it } from 'vitest';
import { openAbsenceLedger } from '../src/index.js';

const DIRECTORY = '/copy';
const PATH = `${DIRECTORY}/.holdfast/absences.json`;
const SEVEN = { volumeId: 7, collection: '' };
const PICTURES = { volumeId: 7, collection: 'pictures' };

function createEnvironment() {
  const env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant(`${DIRECTORY}/.keep`, new Uint8Array(0));
  return env;
}

it('what is away keeps its time, over runs and power failures; what is back has none', async () => {
  const env = createEnvironment();
  const first = await openAbsenceLedger(env, DIRECTORY);
  const sinceMs = env.clock.nowMs();
  await first.note(SEVEN, { leader: true });
  await env.time.advance(5_000);
  await first.note(SEVEN, { leader: true });
  await first.note(PICTURES, { volume: true });
  env.disk.crash('nothing');
  const second = await openAbsenceLedger(env, DIRECTORY);
  expect(second.of(SEVEN)).toEqual({ leaderSinceMs: sinceMs, volumeSinceMs: null });
  expect(second.of(PICTURES)).toEqual({ leaderSinceMs: null, volumeSinceMs: sinceMs + 5_000 });
  await second.note(SEVEN, { leader: false });
  expect((await openAbsenceLedger(env, DIRECTORY)).of(SEVEN).leaderSinceMs).toBeNull();
});

it('nothing is written where nothing changes; what comes together is written together', async () => {
  const env = createEnvironment();
  const ledger = await openAbsenceLedger(env, DIRECTORY);
  await ledger.note(SEVEN, { leader: false, volume: false });
  expect(env.disk.files()).not.toContain(PATH);
  env.disk.forget();
  const volumes = Array.from({ length: 200 }, (_, at) => ({ volumeId: at + 1, collection: '' }));
  await Promise.all(volumes.map((volume) => ledger.note(volume, { leader: true })));
  expect(env.disk.operations.filter(({ kind }) => kind === 'rename').length).toBeLessThan(4);
  const again = await openAbsenceLedger(env, DIRECTORY);
  for (const volume of volumes) expect(again.of(volume).leaderSinceMs).not.toBeNull();
});

it('a clock that steps back does not make the wait longer than it is from then on', async () => {
  const env = createEnvironment();
  const ledger = await openAbsenceLedger(env, DIRECTORY);
  await ledger.note(SEVEN, { leader: true, volume: true });
  env.time.stepWallClock(-3_600_000);
  const sinceMs = env.clock.nowMs();
  await ledger.note(SEVEN, { leader: true, volume: true });
  await env.time.advance(5_000);
  await ledger.note(SEVEN, { leader: true, volume: true });
  const again = await openAbsenceLedger(env, DIRECTORY);
  expect(again.of(SEVEN)).toEqual({ leaderSinceMs: sinceMs, volumeSinceMs: sinceMs });
});

it('one that is damaged begins anew', async () => {
  const env = createEnvironment();
  await (await openAbsenceLedger(env, DIRECTORY)).note(SEVEN, { volume: true });
  const bytes = env.disk.peek(PATH).slice();
  bytes[bytes.length - 10]! ^= 1;
  env.disk.plant(PATH, bytes);
  expect((await openAbsenceLedger(env, DIRECTORY)).of(SEVEN)).toEqual({
    leaderSinceMs: null,
    volumeSinceMs: null,
  });
});
