import { create, createRpcService, type RpcHandlerContext, volumeServerPb } from '@holdfast/protocol';
import { expect, test } from 'vitest';
import { createWhiteList, guardService, type RpcGuardOptions } from '../../src/index.js';

/** A service whose every call answers with an empty message. */
function answering() {
  const { VolumeServer } = volumeServerPb;
  const handlers = Object.fromEntries(
    VolumeServer.methods.map((method) => [
      method.localName,
      method.methodKind === 'unary'
        ? async () => create(method.output)
        : async function* () {
            yield create(method.output);
          },
    ]),
  );
  return createRpcService(VolumeServer, handlers);
}

/** What becomes of one call of each method: `ok`, or the code of its error. */
async function outcomes(options: RpcGuardOptions, from: Pick<RpcHandlerContext, 'peer' | 'peerCommonName'>) {
  const { unary, streams } = guardService(answering(), options);
  const context: RpcHandlerContext = { signal: new AbortController().signal, ...from };
  const found = new Map<string, string>();
  for (const [name, call] of [...Object.entries(unary), ...Object.entries(streams)]) {
    const run = async () => {
      const answer = call!({} as never, context);
      if (answer instanceof Promise) await answer;
      else for await (const _ of answer);
    };
    found.set(
      name,
      await run().then(
        () => 'ok',
        (error: { code: string; message: string }) => `${error.code} ${error.message}`,
      ),
    );
  }
  return found;
}

test('from outside the white list nothing is changed, and what one volume has is still told', async () => {
  const whiteList = createWhiteList(['10.0.0.0/8']);
  const found = await outcomes({ whiteList }, { peer: '127.0.0.1:50000' });
  const open = [...found].filter(([, outcome]) => outcome === 'ok').map(([name]) => name);
  expect(open.sort()).toEqual([
    'copyFile',
    'getState',
    'ping',
    'readNeedleBlob',
    'readNeedleMeta',
    'readVolumeFileStatus',
    'vacuumVolumeCheck',
    'volumeIncrementalCopy',
    'volumeServerStatus',
    'volumeStatus',
    'volumeSyncStatus',
    'volumeTailSender',
  ]);
  const closed = new Set([...found.values()].filter((outcome) => outcome !== 'ok'));
  expect([...closed]).toEqual(['permission-denied not authorized: 127.0.0.1']);
});

test('from inside the white list everything is open, IPv6 included; an unknown peer is outside', async () => {
  const whiteList = createWhiteList(['10.0.0.0/8', '::1']);
  for (const peer of ['10.2.3.4:1', '::1:50000', '::ffff:10.2.3.4:50000'])
    expect(new Set((await outcomes({ whiteList }, { peer })).values())).toEqual(new Set(['ok']));
  for (const peer of ['unknown', '', 'memory-client:7'])
    expect((await outcomes({ whiteList }, { peer })).get('volumeDelete')).toMatch(/^permission-denied/);
});

test('common names let in by name or by the end of the name, for every call', async () => {
  const commonNames = { names: ['volume01'], wildcardDomain: '.files.example' };
  const peer = '127.0.0.1:1';
  for (const peerCommonName of ['volume01', 'any.files.example']) {
    const found = await outcomes({ commonNames }, { peer, peerCommonName });
    expect(new Set(found.values())).toEqual(new Set(['ok']));
  }
  for (const peerCommonName of ['volume011', 'files.example', 'x.files.example.org', '', undefined]) {
    const found = await outcomes({ commonNames }, { peer, peerCommonName });
    expect(new Set([...found.values()].map((text) => text.split(' ')[0]))).toEqual(
      new Set(['unauthenticated']),
    );
  }
});
