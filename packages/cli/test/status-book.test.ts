import type { SyncReport } from '@holdfast/follower';
import { createSimulatedEnvironment } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { createLog } from '../src/log.js';
import { createOutput } from '../src/output.js';
import { openStatusBook } from '../src/status-book.js';
import { readStatus } from '../src/status-file.js';
import { statusHtml, statusJson } from '../src/status-page.js';
import type { VerbContext } from '../src/verb.js';

const DIRECTORY = '/copy';
const env = createSimulatedEnvironment({ seed: 4 });
env.disk.plant(`${DIRECTORY}/.holdfast/lock`, new Uint8Array(0));

const context: VerbContext = {
  env,
  timers: env.time.timers,
  output: createOutput({ write: () => {}, isTerminal: false, columns: 80 }, true),
  log: createLog('silent'),
  variables: {},
  signal: new AbortController().signal,
};

const REPORT: SyncReport = {
  id: 7,
  collection: '',
  server: '127.0.0.1:8080',
  outcome: 'appended',
  revision: 1,
  datSize: 1000,
  lastAppendAtNs: '5',
  bytesReceived: 10,
  bytesReused: 0,
  plan: null,
  leaderTailBytes: 0,
  liveNeedles: 3,
  lossGuard: false,
  reason: '',
  ok: true,
  code: null,
  error: null,
};

test('status.json, the page and its JSON say the same; a failed run keeps the last proof', async () => {
  const book = await openStatusBook(context, { directory: DIRECTORY, verb: 'backup' });
  const provedAt = new Date(env.clock.nowMs()).toISOString();
  book.noteReport(REPORT);
  await env.time.advance(5000);
  book.noteReport({
    ...REPORT,
    outcome: 'failed',
    ok: false,
    code: 'leader-unreachable',
    error: 'it is <down>',
  });
  await book.close();
  const written = await readStatus(env, DIRECTORY);
  expect(written?.volumes).toEqual(book.document().volumes);
  expect(written?.volumes).toMatchObject({
    7: { ok: false, code: 'leader-unreachable', lastProofAt: provedAt, lagBytes: 0, generations: [] },
  });
  const served = JSON.parse(statusJson(book.document()));
  expect(served).toMatchObject({ ok: false, volumes: [{ ...written?.volumes[7], secondsSinceProof: 5 }] });
  expect(statusHtml(book.document())).toContain('it is &lt;down&gt;');
});

test('what an earlier process knew is known to the next', async () => {
  const book = await openStatusBook(context, { directory: DIRECTORY, verb: 'backup' });
  book.noteReport({ ...REPORT, id: 8, collection: 'pictures' });
  book.noteVanished({ volume: { volumeId: 7, collection: '' }, outcome: 'kept' });
  await book.close();
  const written = await readStatus(env, DIRECTORY);
  expect(Object.keys(written?.volumes ?? {})).toEqual(['7', 'pictures_8']);
  expect(written?.volumes[7]).toMatchObject({ hasVanished: true, code: 'leader-unreachable' });
  const next = await openStatusBook(context, { directory: DIRECTORY, verb: 'backup' });
  next.noteVanished({ volume: { volumeId: 7, collection: '' }, outcome: 'pruned' });
  await next.close();
  expect(Object.keys((await readStatus(env, DIRECTORY))?.volumes ?? {})).toEqual(['pictures_8']);
});
