import { create, type StreamMethod, type UnaryMethod } from '@holdfast/protocol';
import { expect, test } from 'vitest';
import { newMachine, openStore } from '../needles/machine.js';
import { expectFailure, method, serveVolumes, signal } from './rig.js';

async function emptyServer() {
  const env = newMachine();
  return serveVolumes(await openStore(env), { env, timers: env.time.timers });
}

const NOT_FOUND = 'not found volume id 77';

test.each([
  ['volumeSyncStatus', 'unknown', NOT_FOUND],
  ['volumeStatus', 'unknown', NOT_FOUND],
  ['readVolumeFileStatus', 'unknown', NOT_FOUND],
  ['readNeedleBlob', 'unknown', NOT_FOUND],
  [
    'readNeedleMeta',
    'unknown',
    'not found volume id 77 and read needle metadata at ec shards is not supported',
  ],
  ['writeNeedleBlob', 'unknown', NOT_FOUND],
  ['volumeNeedleStatus', 'unknown', 'volume not found 77'],
  ['volumeMarkReadonly', 'unknown', 'volume 77 not found'],
  ['volumeMarkWritable', 'unknown', 'volume 77 not found'],
  ['volumeMount', 'unknown', 'volume 77 not found on disk'],
  ['volumeDelete', 'not-found', 'delete volume 77 not found on disk: volume not found'],
  ['vacuumVolumeCheck', 'not-found', 'volume id 77 is not found during check compact: volume not found'],
  [
    'vacuumVolumeCommit',
    'not-found',
    'commit compact volume 77: volume id 77 is not found during commit compact: volume not found',
  ],
  [
    'vacuumVolumeCleanup',
    'not-found',
    'cleanup volume 77: volume id 77 is not found during cleaning up: volume not found',
  ],
] as const)('%s of a volume that is not there', async (name, code, text) => {
  await using server = await emptyServer();
  const called: UnaryMethod = method[name];
  const request = create(called.input, { volumeId: 77 });
  await expectFailure(server.connection.unary(called, request, { signal }), code, text);
});

test.each<readonly [called: StreamMethod, request: Record<string, unknown>, code: string, text: string]>([
  [method.volumeIncrementalCopy, { volumeId: 77 }, 'unknown', NOT_FOUND],
  [method.copyFile, { volumeId: 77, ext: '.dat', stopOffset: 8n }, 'unknown', NOT_FOUND],
  [method.readAllNeedles, { volumeIds: [77] }, 'unknown', NOT_FOUND],
  [
    method.copyFile,
    { volumeId: 77, ext: '.dat', stopOffset: 8n, isEcVolume: true },
    'unknown',
    'CopyFile not found ec volume id 77',
  ],
  [
    method.vacuumVolumeCompact,
    { volumeId: 77 },
    'not-found',
    'compact volume 77: volume id 77 is not found during compact: volume not found',
  ],
])('$0.name of a volume that is not there', async (called, request, code, text) => {
  await using server = await emptyServer();
  await expectFailure(server.all(called, request), code, text);
});

test('what asks for nothing, and what is not there to be asked about', async () => {
  await using server = await emptyServer();
  await server.unary(method.volumeUnmount, { volumeId: 77 });
  const request = { volumeId: 77, ext: '.dat', stopOffset: 8n, isEcVolume: true };
  expect(await server.all(method.copyFile, { ...request, ignoreSourceFileNotFound: true })).toEqual([]);
  await expectFailure(
    server.unary(method.scrubVolume, { mode: 1, volumeIds: [77] }),
    'unknown',
    'volume id 77 not found',
  );
  expect(await server.unary(method.scrubVolume, { mode: 1 })).toMatchObject({ totalVolumes: 0n });
});
