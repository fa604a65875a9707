import { createSimulatedEnvironment } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { createLog } from '../src/log.js';
import { createOutput } from '../src/output.js';
import { runsPath } from '../src/run-chain.js';
import { decodeRunRecord } from '../src/run-record.js';
import { openStatusBook } from '../src/status-book.js';
import { readStatus } from '../src/status-file.js';
import type { VerbContext } from '../src/verb.js';
import { readVerifications } from '../src/verification-file.js';

const DIRECTORY = '/copy';
const AT = '2026-11-03T10:15:00.000Z';
const RUN = {
  id: 7,
  collection: '',
  outcome: 'idle',
  revision: 0,
  datSize: 8,
  lastAppendAtNs: '0',
  bytesReceived: 0,
  bytesReused: 0,
  ok: true,
  code: null,
  error: null,
  server: 's',
  liveNeedles: 0,
  lossGuard: false,
  lastRunAt: AT,
  lastProofAt: AT,
  lastIndexProofAt: null,
  lagBytes: 0,
  nextTryAt: null,
  hasVanished: false,
  lastVerification: null,
  generations: [],
};
const HEAD = { format: 1, holdfast: '0.1.0', verb: 'backup' };
const RECORD = {
  ...HEAD,
  serial: 1,
  former: null,
  formerDay: null,
  cluster: null,
  startedAt: AT,
  endedAt: AT,
  volumes: { 7: { outcome: 'idle', ok: true, code: null, lastRunAt: AT, lastProofAt: AT, held: null } },
};

/** Each is what somebody's editor, or half a disk block, can leave of a volume. */
const OTHER_RUNS: readonly (readonly [what: string, value: unknown])[] = [
  ['null', null],
  ['a number', 5],
  ['a list', []],
  ['empty', {}],
  ['proved at no time', { ...RUN, lastProofAt: 'yesterday' }],
  ['run in a month that is none', { ...RUN, lastRunAt: '2026-13-03T10:15:00.000Z' }],
  ['shorter than nothing', { ...RUN, datSize: -1 }],
  ['as long as a text', { ...RUN, datSize: '8' }],
  ['of no collection', { ...RUN, collection: null }],
  ['of an outcome that is none', { ...RUN, outcome: 'good' }],
  ['of a generation that is none', { ...RUN, generations: [null] }],
  ['verified at a number', { ...RUN, lastVerification: { at: 5 } }],
];

function machineWith(files: Readonly<Record<string, unknown>>) {
  const env = createSimulatedEnvironment({ seed: 4 });
  env.disk.plant(`${DIRECTORY}/.holdfast/lock`, new Uint8Array(0));
  for (const [name, value] of Object.entries(files))
    env.disk.plant(`${DIRECTORY}/.holdfast/${name}`, new TextEncoder().encode(JSON.stringify(value)));
  const context: VerbContext = {
    env,
    timers: env.time.timers,
    output: createOutput({ write: () => {}, isTerminal: false, columns: 80 }, true),
    log: createLog('silent'),
    variables: {},
    signal: new AbortController().signal,
  };
  return { env, context };
}

test.each(OTHER_RUNS)(
  'status.json with a volume that is %s keeps what it says of the others',
  async (_what, value) => {
    const volumes = { 7: RUN, 8: value, '../9': { ...RUN, id: 9 } };
    const { env, context } = machineWith({ 'status.json': { ...HEAD, writtenAt: AT, volumes } });
    expect(Object.keys((await readStatus(env, DIRECTORY))?.volumes ?? {})).toEqual(['7']);
    const book = await openStatusBook(context, { directory: DIRECTORY, verb: 'backup' });
    book.noteVanished({ volume: { volumeId: 7, collection: '' }, outcome: 'kept' });
    await book.close();
    expect((await readStatus(env, DIRECTORY))?.volumes).toEqual({ 7: { ...RUN, hasVanished: true } });
  },
);

test.each([null, [], 5, { 7: null }, { 7: [] }])(
  'verification.json that is %j says nothing',
  async (value) => {
    const { env } = machineWith({ 'verification.json': value });
    expect(await readVerifications(env, DIRECTORY)).toEqual({});
  },
);

test.each([-1, 1e300, '5'])('a verification at %j is none', async (atMs) => {
  const good = { atMs: 5, ok: true, findings: 0, covered: 'files', datSizeBytes: 8 };
  const { env } = machineWith({ 'verification.json': { 7: good, 8: { ...good, atMs } } });
  expect(await readVerifications(env, DIRECTORY)).toEqual({ 7: good });
});

test.each([
  ['null', null],
  ['without volumes', { ...RECORD, volumes: undefined }],
  ['of a volume that is null', { ...RECORD, volumes: { 7: null } }],
  ['of a name that is no volume', { ...RECORD, volumes: { 'a/b_7': RECORD.volumes[7] } }],
  ['of bytes that are none', { ...RECORD, volumes: { 7: { ...RECORD.volumes[7], held: {} } } }],
  ['of no time', { ...RECORD, endedAt: 'then' }],
])('a record %s is none that can be read', (_what, value) => {
  const bytes = (of: unknown) => new TextEncoder().encode(JSON.stringify(of));
  expect(decodeRunRecord(bytes(RECORD))).toEqual(RECORD);
  expect(decodeRunRecord(bytes(value))).toBeUndefined();
});

test('behind the last serial that a name can have there is no record more, and the error says of which file', async () => {
  const name = `999999999999999-20261103T101500Z-${'0'.repeat(64)}.json`;
  const { context } = machineWith({
    [`runs/${name}`]: RECORD,
    'status.json': { ...HEAD, writtenAt: AT, volumes: { 7: RUN } },
  });
  const book = await openStatusBook(context, { directory: DIRECTORY, verb: 'backup' });
  book.noteVanished({ volume: { volumeId: 7, collection: '' }, outcome: 'kept' });
  await expect(book.close()).rejects.toMatchObject({
    code: 'position-damaged',
    path: `${runsPath(DIRECTORY)}/${name}`,
  });
});
