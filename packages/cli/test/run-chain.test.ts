import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { beforeEach, expect, test } from 'vitest';
import { checkRunChain, listRunRecords, outdatedRecords, readRunRecord, recordAt } from '../src/run-chain.js';
import { encodeRunRecord, parseRunRecordName, type RunRecordName } from '../src/run-record.js';
import { createRunRecorder, type RunRecorder } from '../src/run-recorder.js';
import type { VolumeRun } from '../src/volume-status.js';

const DIRECTORY = '/copy';
const RUNS = `${DIRECTORY}/.holdfast/runs`;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const signal = new AbortController().signal;

let env: SimulatedEnvironment;
let runs: Map<string, VolumeRun>;

beforeEach(() => {
  env = createSimulatedEnvironment({ seed: 4 });
  env.disk.plant(`${DIRECTORY}/.holdfast/lock`, new Uint8Array(0));
  runs = new Map();
});

function createRecorder(recordEveryMs?: number): Promise<RunRecorder> {
  const pacing = {
    clock: env.clock,
    timers: env.time.timers,
    onProblem: (error: unknown) => {
      throw error;
    },
  };
  return createRunRecorder(env, { directory: DIRECTORY, verb: 'test', runs, recordEveryMs, pacing });
}

function runOf(datSize: number): VolumeRun {
  const now = new Date(env.clock.nowMs()).toISOString();
  return {
    id: 7,
    collection: '',
    outcome: 'idle',
    revision: 0,
    datSize,
    lastAppendAtNs: '0',
    bytesReceived: 0,
    bytesReused: 0,
    ok: true,
    code: null,
    error: null,
    server: 's',
    liveNeedles: 1,
    lossGuard: false,
    lastRunAt: now,
    lastProofAt: now,
    lastIndexProofAt: now,
    lagBytes: 0,
    nextTryAt: null,
    hasVanished: false,
  };
}

function note(recorder: RunRecorder, datSize: number): void {
  const before = runs.get('7');
  runs.set('7', runOf(datSize));
  recorder.note('7', before);
}

/** One run of a process of its own. */
async function oneRun(datSize: number): Promise<void> {
  const recorder = await createRecorder();
  note(recorder, datSize);
  await recorder.close();
}

const names = () => listRunRecords(env, DIRECTORY);
const problems = async () => checkRunChain(env, DIRECTORY, await names(), signal);

test('a record a run, each with the SHA-256 of the one before; the instant asked for names the record that counts', async () => {
  for (let i = 0; i < 5; i++) {
    await oneRun(i);
    await env.time.advance(MINUTE_MS);
  }
  const all = await names();
  expect(all.map(({ serial }) => serial)).toEqual([1, 2, 3, 4, 5]);
  expect(await problems()).toEqual([]);
  const third = all[2]!;
  expect(recordAt(all, third.endedAtMs)).toBe(third);
  expect(recordAt(all, third.endedAtMs + MINUTE_MS - 1001)).toBe(third);
  expect(recordAt(all, all[0]!.endedAtMs - 1)).toBeUndefined();
  const { record } = await readRunRecord(env, DIRECTORY, third);
  expect(record).toMatchObject({ former: all[1]!.sha256, volumes: { 7: { ok: true, held: null } } });
});

test('a run that said nothing leaves no record', async () => {
  const recorder = await createRecorder();
  await recorder.close();
  expect(await names()).toEqual([]);
});

test('a changed record and a missing one are seen', async () => {
  for (let i = 0; i < 4; i++) await oneRun(i);
  const all = await names();
  const path = `${RUNS}/${all[1]!.name}`;
  const bytes = env.disk.peek(path)!;
  const text = new TextDecoder().decode(bytes).replace('"ok":true', '"ok":null');
  env.disk.plant(path, new TextEncoder().encode(text));
  expect(await problems()).toMatchObject([{ record: all[1]!.name }]);
  env.disk.plant(path, bytes);
  expect(await problems()).toEqual([]);
  await env.disk.remove(path);
  expect(await problems()).toMatchObject([{ record: all[2]!.name }]);
});

test('a disk that fails in the middle leaves one chain, whatever it had written', async () => {
  await oneRun(1);
  for (let operations = 0, hasFinished = false; !hasFinished; operations++) {
    const recorder = await createRecorder();
    note(recorder, 2 + operations);
    env.disk.crashAfter(operations);
    hasFinished = await recorder.close().then(
      () => true,
      () => false,
    );
    env.disk.crash('process');
    if (!hasFinished) await recorder.close();
    expect(await problems(), `${operations}`).toEqual([]);
  }
  expect((await names()).length).toBeGreaterThan(5);
});

test('changes are recorded once a minute at most, proofs that changed nothing once in their time', async () => {
  const recorder = await createRecorder(10 * MINUTE_MS);
  for (let second = 0; second < 180; second++) {
    note(recorder, second);
    await env.time.advance(1000);
  }
  expect((await names()).length).toBe(2);
  const before = (await names()).length;
  for (let minute = 0; minute < 60; minute++) {
    note(recorder, 180);
    await env.time.advance(MINUTE_MS);
  }
  // The first of the hour is the change before it.
  expect((await names()).length - before).toBeGreaterThanOrEqual(5);
  expect((await names()).length - before).toBeLessThanOrEqual(7);
  await recorder.close();
  expect(await problems()).toEqual([]);
});

test('of old days the last record is kept, and the chain over them is whole; in the end they go', async () => {
  for (let day = 0; day < 420; day++) {
    for (let run = 0; run < 3; run++) {
      await oneRun(day);
      await env.time.advance(DAY_MS / 3);
    }
  }
  const all = await names();
  const nowMs = env.clock.nowMs();
  const ageDays = ({ endedAtMs }: RunRecordName) => (nowMs - endedAtMs) / DAY_MS;
  expect(ageDays(all[0]!)).toBeLessThan(402);
  expect(ageDays(all[0]!)).toBeGreaterThan(398);
  expect(all.filter((name) => ageDays(name) <= 13)).toHaveLength(3 * 13);
  const old = all.filter((name) => ageDays(name) > 16);
  expect(new Set(old.map(({ day }) => day)).size).toBe(old.length);
  expect(await problems()).toEqual([]);
  await env.disk.remove(`${RUNS}/${old[100]!.name}`);
  expect(await problems()).toHaveLength(1);
});

test('the newest record is never outdated', () => {
  const volumes = {};
  const link = { former: null, formerDay: null, verb: 'test', cluster: null };
  const endedAt = '2026-11-03T10:15:00.123Z';
  const { name } = encodeRunRecord({ serial: 42, ...link, startedAt: endedAt, endedAt, volumes }, env.sha256);
  expect(name).toMatchObject({
    serial: 42,
    day: '2026-11-03',
    endedAtMs: Date.parse('2026-11-03T10:15:00Z'),
  });
  expect(parseRunRecordName(name.name)).toEqual(name);
  expect(outdatedRecords([name], Date.parse('2036-01-01'))).toEqual([]);
});

test('bytes that are JSON and no record are none', async () => {
  for (const content of ['null', '[]', '5', '{"format":2}', '{']) {
    const bytes = new TextEncoder().encode(content);
    const sha256 = Buffer.from(env.sha256(bytes)).toString('hex');
    env.disk.plant(`${RUNS}/00000001-20261103T101500Z-${sha256}.json`, bytes);
    const name = (await listRunRecords(env, DIRECTORY)).find((each) => each.sha256 === sha256);
    expect(await readRunRecord(env, DIRECTORY, name!)).toEqual({ sha256, record: undefined });
  }
});
