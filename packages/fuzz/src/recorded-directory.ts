import { createHash } from 'node:crypto';
import { createFollowedDirectory, DIRECTORY } from './followed-directory.js';

/** Files by path. */
export type Files = ReadonlyMap<string, Uint8Array>;

const OWN = `${DIRECTORY}/.holdfast/`;
/** Where the records of runs are. */
export const RUNS = `${OWN}runs/`;

const RUN = {
  id: 7,
  collection: '',
  outcome: 'appended',
  revision: 1,
  datSize: 66_036,
  lastAppendAtNs: '66036',
  bytesReceived: 500,
  bytesReused: 0,
  ok: true,
  code: null,
  error: null,
  server: 'leader:8080',
  liveNeedles: 1,
  lossGuard: true,
  lastRunAt: '2026-11-03T10:15:00.000Z',
  lastProofAt: '2026-11-03T10:15:00.000Z',
  lastIndexProofAt: null,
  lagBytes: 0,
  nextTryAt: null,
  hasVanished: false,
  lastVerification: { at: '2026-11-03T10:15:00.000Z', ok: true, findings: 0, covered: 'files', datSize: 5 },
  generations: [],
};
const OTHER_RUN = {
  ...RUN,
  id: 8,
  collection: 'pictures',
  outcome: 'failed',
  ok: false,
  code: 'diverged',
  error: 'x',
};
const STATUS = {
  format: 1,
  holdfast: '0.1.0',
  verb: 'follow',
  writtenAt: '2026-11-03T10:15:01.000Z',
  volumes: { 7: RUN, pictures_8: OTHER_RUN },
};
const VERIFICATION = {
  7: { atMs: 1_790_000_000_000, ok: true, findings: 0, covered: 'leader', datSizeBytes: 5 },
};

const { outcome, ok, code, lastRunAt, lastProofAt } = RUN;
const RECORD = {
  format: 1,
  holdfast: '0.1.0',
  formerDay: null,
  verb: 'backup',
  cluster: 'a',
  startedAt: lastRunAt,
  endedAt: lastRunAt,
  volumes: {
    7: {
      outcome,
      ok,
      code,
      lastRunAt,
      lastProofAt,
      held: {
        generation: 2,
        server: 'leader:8080',
        revision: 1,
        datSize: 66_036,
        idxSize: 85,
        indexSerial: 1,
        lastAppendAtNs: '66036',
        liveNeedles: 1,
        digest: '0f',
      },
    },
  },
};

/** A directory that two runs have written records of. The same bytes each time. */
export async function createRecordedDirectory(): Promise<Files> {
  const followed = await createFollowedDirectory();
  const first = recordFile(1, null);
  const second = recordFile(2, sha256(first[1]));
  return new Map([
    ...[...followed.files].filter(([path]) => !path.endsWith('/lock')),
    [`${OWN}status.json`, encode(JSON.stringify(STATUS))],
    [`${OWN}verification.json`, encode(JSON.stringify(VERIFICATION))],
    first,
    second,
  ]);
}

function recordFile(serial: number, former: string | null): [path: string, bytes: Uint8Array] {
  const bytes = encode(JSON.stringify({ ...RECORD, serial, former }));
  return [`${RUNS}${`${serial}`.padStart(8, '0')}-20261103T101500Z-${sha256(bytes)}.json`, bytes];
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
