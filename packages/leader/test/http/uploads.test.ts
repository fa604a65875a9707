import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { systemTimers } from '@holdfast/format/node';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createSeededRandom } from '@holdfast/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDataApi, openNeedleStore } from '../../src/index.js';
import { nodeHttpEnvironment } from '../../src/node/index.js';
import { expectSound } from '../needles/machine.js';
import { bytesOf, cut, FORM, type FormPart, formBody, inPieces, newRig, ORIGIN, PEER } from './rig.js';

const PROSE = Buffer.from('Words, words, words; a tenth of them would do. '.repeat(40_000));
const NOISE = createSeededRandom(3).bytes(1_500_000);
/** What looks nearly like an end of a part. */
const TRAP = Buffer.from('\r\n--a-boundar\r\n--a-boundary-\r\n-\r\n--'.repeat(3).replaceAll('y-', 'z-'));

describe('however the body is cut into pieces', () => {
  test('of a form the same is stored', async () => {
    const { ask, store, env } = await newRig();
    const contents = [new Uint8Array(0), TRAP, Buffer.from('-'.repeat(50)), NOISE.subarray(0, 3000)];
    let needleId = 0n;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...contents),
        fc.array(fc.nat(4000), { maxLength: 8 }),
        fc.boolean(),
        async (data, cuts, hasField) => {
          const file: FormPart = { fileName: 'a.bin', data };
          const body = formBody(...(hasField ? [{ data: 'a field' }, file] : [file]), { data: 'more-' });
          const path = `/7,${(++needleId).toString(16).padStart(8, '0')}aabbccdd`;
          const answer = await ask(path, inPieces('POST', cut(body, cuts), FORM));
          expect(answer.status).toBe(201);
          expect((await bytesOf(await ask(path))).equals(data)).toBe(true);
        },
      ),
    );
    await store.close();
    await expectSound(env);
  });

  test('of a short form cut at every place too', async () => {
    const { ask } = await newRig();
    const body = formBody({ fileName: 'a.bin', data: 'in\r\n--between' }, { data: '' });
    for (let at = 1; at < body.length; at++) {
      const path = `/7,${at.toString(16).padStart(4, '0')}aabbccdd`;
      const answer = await ask(path, inPieces('POST', cut(body, [at]), FORM));
      expect([at, answer.status, await (await ask(path)).text()]).toEqual([at, 201, 'in\r\n--between']);
    }
  });

  test.each([
    ['noise', NOISE, {}],
    ['text, packed on the way', PROSE, { 'content-type': 'text/plain' }],
    ['gzip', gzipSync(PROSE), { 'content-type': 'text/plain', 'content-encoding': 'gzip' }],
  ])('of a long one: %s', async (_name, data, headers) => {
    const { ask, store } = await newRig();
    const cuts = createSeededRandom(9);
    const pieces = cut(
      data,
      Array.from({ length: 40 }, () => Math.floor(cuts.nextFloat() * data.length)),
    );
    const answer = await ask('/7,01aabbccdd', inPieces('PUT', pieces, headers));
    const plain = data === NOISE ? NOISE : PROSE;
    expect([answer.status, await answer.json()]).toMatchObject([201, { size: plain.length }]);
    expect((await bytesOf(await ask('/7,01aabbccdd'))).equals(plain)).toBe(true);
    const needle = await store.find(7)!.open(1n);
    expect(needle.meta.isCompressed).toBe(data !== NOISE);
    if (needle.meta.isCompressed) expect(needle.dataSizeBytes).toBeLessThan(PROSE.length / 10);
    await needle.close();
  });
});

test('200 MB up and down hold a few MiB', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-uploads-'));
  const store = await openNeedleStore({ env: nodeStoreEnvironment(), timers: systemTimers, directory });
  await store.allocate({ volumeId: 7, collection: '' });
  const api = createDataApi({ env: nodeHttpEnvironment(), reads: store, writes: store });
  const ask = (init?: RequestInit) => api(new Request(`${ORIGIN}/7,01aabbccdd`, init), PEER);
  const piece = createSeededRandom(4).bytes(1 << 16);
  const count = 3200;
  const before = process.memoryUsage().arrayBuffers;
  let heldBytes = 0;
  const measure = () => {
    heldBytes = Math.max(heldBytes, process.memoryUsage().arrayBuffers - before);
  };
  const [head, tail] = split(formBody({ fileName: 'long.bin', data: '' }));
  const form = (async function* () {
    yield head;
    for (let i = 0; i < count; i++) {
      yield piece.slice();
      if (i % 100 === 0) measure();
    }
    yield tail;
  })();
  try {
    const answer = await ask(inPieces('POST', form, FORM));
    expect(await answer.json()).toMatchObject({ name: 'long.bin', size: count * piece.length });
    for (const range of [undefined, 'bytes=1-']) {
      const got = await ask(range === undefined ? {} : { headers: { range } });
      let gotBytes = 0;
      for await (const part of got.body!) {
        gotBytes += part.length;
        if (gotBytes % (16 << 20) < part.length) measure();
      }
      expect(gotBytes).toBe(count * piece.length - (range === undefined ? 0 : 1));
    }
    // Far from what it would be if it were held, however late the collector comes.
    expect(heldBytes).toBeLessThan(100 << 20);
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
});

function split(form: Uint8Array): [head: Uint8Array, tail: Uint8Array] {
  const at = Buffer.from(form).indexOf('\r\n\r\n') + 4;
  return [form.slice(0, at), form.slice(at)];
}
