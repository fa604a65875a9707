import { type RpcCode, RpcError } from '@holdfast/protocol';
import { expect, test } from 'vitest';
import { isNeedleNotLive, translateError } from '../src/translate-error.js';

test.each<[RpcCode, string, string]>([
  ['unknown', 'not found volume id 77', 'volume-not-found'],
  [
    'unknown',
    'not found volume id 77 and read needle metadata at ec shards is not supported',
    'volume-not-found',
  ],
  ['unknown', 'volume not found 77', 'volume-not-found'],
  ['unknown', 'volume 77 not found', 'volume-not-found'],
  ['not-found', 'volume id 77 not found', 'volume-not-found'],
  ['unknown', 'CopyFile not found ec volume id 77', 'volume-not-found'],
  ['unknown', 'open /data/77.dat: no such file or directory', 'volume-not-found'],
  ['unknown', 'volume 7 is compacted', 'revision-changed'],
  ['unknown', 'volume 7 data backend not found', 'volume-closed'],
  ['unknown', 'panic occurred: runtime error: invalid memory address', 'volume-closed'],
  ['unknown', 'read needle blob offset 8 size 40: EOF', 'past-end'],
  ['unknown', 'read needle blob offset 8 size 40: read /d/7.dat: input/output error', 'read-failed'],
  ['permission-denied', 'not authorized: 192.0.2.1', 'not-permitted'],
  ['unknown', 'no peer info', 'not-permitted'],
  ['unauthenticated', 'client certificate required by the server', 'not-permitted'],
  ['unavailable', 'connection refused', 'unreachable'],
  ['deadline-exceeded', 'too late', 'unreachable'],
  ['resource-exhausted', 'message too large', 'bad-answer'],
  ['unimplemented', 'unknown method', 'refused'],
  ['unknown', 'something that nobody has met', 'refused'],
])('%s "%s" is %s', (code, text, expected) => {
  const error = new RpcError(code, text);
  const translated = translateError(error, { address: 'stock:18080', volumeId: 7 });
  expect(translated).toMatchObject({ code: expected, volumeId: 7, address: 'stock:18080', cause: error });
});

test('only the answers about one needle say that it is not live', () => {
  for (const text of ['not found', 'already deleted', 'needle not found 222']) {
    expect(isNeedleNotLive(new RpcError('unknown', text))).toBe(true);
  }
  for (const text of ['volume not found 77', 'not found volume id 77', '']) {
    expect(isNeedleNotLive(new RpcError('unknown', text))).toBe(false);
  }
});
