import { parseNeedle } from '@holdfast/format';
import { systemTimers } from '@holdfast/format/node';
import { expect, test } from 'vitest';
import { newMachine, openStore, put, text } from '../needles/machine.js';
import { expectFailure, method, type ServeOptions, serveVolumes } from './rig.js';

async function machine(limits: ServeOptions['limits'] = {}) {
  const env = newMachine();
  const store = await openStore(env);
  const volume = await store.allocate({ volumeId: 7, collection: '' });
  const server = await serveVolumes(store, {
    env,
    timers: systemTimers,
    limits: { tailPassMs: 5, ...limits },
  });
  const compact = async () => {
    await volume.compact();
    await volume.commitCompaction();
  };
  return { env, store, volume, server, compact };
}

type Message = {
  readonly needleHeader: Uint8Array;
  readonly needleBody: Uint8Array;
  readonly isLastChunk: boolean;
};

/** Puts the records of a tail together; `undefined` is a pass without news. */
async function* recordsOf(messages: AsyncIterable<Message>): AsyncGenerator<Buffer | undefined> {
  let parts: Uint8Array[] = [];
  for await (const { needleHeader, needleBody, isLastChunk } of messages) {
    if (needleHeader.length === 0) {
      expect([needleBody.length, isLastChunk, parts.length]).toEqual([0, true, 0]);
      yield undefined;
      continue;
    }
    if (parts.length === 0) parts.push(needleHeader);
    else expect(needleHeader).toEqual(parts[0]);
    parts.push(needleBody);
    if (!isLastChunk) continue;
    yield Buffer.concat(parts);
    parts = [];
  }
}

async function nextRecord(records: AsyncGenerator<Buffer | undefined>) {
  for (;;) {
    const { value } = await records.next();
    if (value !== undefined) return parseNeedle(value, 3);
  }
}

test('everything since a time, then the end when nothing more comes', async () => {
  const { volume, server } = await machine();
  const first = await put(volume, 1, text('one'));
  await put(volume, 2, new Uint8Array(0));
  await put(volume, 3, text('three'));
  await volume.delete(3n);
  const tail = async (sinceNs: bigint) => {
    const ids: bigint[] = [];
    const messages = server.stream(method.volumeTailSender, { volumeId: 7, sinceNs, idleTimeoutSeconds: 2 });
    let idlePasses = 0;
    for await (const record of recordsOf(messages)) {
      if (record === undefined) idlePasses++;
      else ids.push(parseNeedle(record, 3).needleId);
    }
    expect(idlePasses).toBe(2);
    return ids;
  };
  expect(await tail(0n)).toEqual([1n, 2n, 3n, 3n]);
  expect(await tail(first.appendAtNs)).toEqual([2n, 3n, 3n]);
  expect(await tail(volume.status().lastAppendAtNs)).toEqual([]);
});

test('a long record comes in parts, each with its header', async () => {
  const { volume, server } = await machine({ messageBytes: 1000 });
  const data = new Uint8Array(12_345).map((_, i) => i);
  await put(volume, 1, text('short'));
  await put(volume, 2, data, { name: 'long' });
  await put(volume, 3, text('short'));
  const messages = server.stream(method.volumeTailSender, { volumeId: 7, idleTimeoutSeconds: 1 });
  const records = recordsOf(messages);
  expect((await nextRecord(records)).needleId).toBe(1n);
  expect(Buffer.from((await nextRecord(records)).data).equals(data)).toBe(true);
  expect((await nextRecord(records)).needleId).toBe(3n);
});

test('each record once over three compactions, however slowly they are read', async () => {
  const { volume, server, compact } = await machine();
  const written: bigint[] = [];
  const write = async (from: number, to: number) => {
    for (let id = from; id < to; id++)
      written.push((await put(volume, id % 40, text(`${id}`), { cookie: 0 })).appendAtNs);
  };
  await write(0, 100);
  const messages = server.stream(method.volumeTailSender, { volumeId: 7 });
  const records = recordsOf(messages);
  const got: bigint[] = [(await nextRecord(records)).appendAtNs];
  await write(100, 150);
  await compact();
  await write(150, 200);
  await volume.compact();
  await write(200, 250);
  await volume.commitCompaction();
  await write(250, 300);
  while (got.length < 200) got.push((await nextRecord(records)).appendAtNs);
  await compact();
  await write(300, 350);
  while (got.length < written.length) got.push((await nextRecord(records)).appendAtNs);
  expect(got).toEqual(written);
  expect((await records.next()).value).toBeUndefined();
  await records.return(undefined);
});

test('one that lags behind too many compactions is told so', async () => {
  const { volume, server, compact } = await machine({ tailGenerations: 2 });
  await put(volume, 1, text('one'));
  const records = recordsOf(server.stream(method.volumeTailSender, { volumeId: 7 }));
  await nextRecord(records);
  await expectFailure(
    (async () => {
      for (let i = 0; i < 20; i++) {
        await compact();
        await put(volume, 1, text(`${i}`));
      }
      for await (const _ of records);
    })(),
    'resource-exhausted',
    'volume 7 was compacted more than 2 times meanwhile',
  );
});

test('a volume that is closed is read to its end first', async () => {
  const { store, volume, server } = await machine();
  await put(volume, 1, text('one'));
  const records = recordsOf(server.stream(method.volumeTailSender, { volumeId: 7 }));
  await nextRecord(records);
  await put(volume, 2, text('two'));
  await store.unmount(7);
  expect((await nextRecord(records)).needleId).toBe(2n);
  await expectFailure(records.next(), 'unknown', 'not found volume id 7');
});

test('a caller that leaves frees the files', async () => {
  const { volume, server, compact } = await machine();
  await put(volume, 1, text('one'));
  const calling = new AbortController();
  const records = recordsOf(server.stream(method.volumeTailSender, { volumeId: 7 }, calling.signal));
  await nextRecord(records);
  const { dat, close } = volume.pin();
  await close();
  await compact();
  calling.abort();
  await expectFailure(
    (async () => {
      for await (const _ of records);
    })(),
    'canceled',
    /cancel/,
  );
  await expect(dat.readAt(0, 8)).rejects.toMatchObject({ code: 'closed' });
});

test('records that cannot be told apart end the tail', async () => {
  const { env, volume, server } = await machine();
  const { offset } = await put(volume, 1, text('one'));
  await put(volume, 2, text('two'));
  const file = await env.disk.open('/d/7.dat', { mode: 'write' });
  await file.writeAt(offset + 12, new Uint8Array([0x7f, 0xff, 0xff, 0xff]));
  await file.close();
  await expectFailure(
    server.all(method.volumeTailSender, { volumeId: 7, idleTimeoutSeconds: 1 }),
    'data-loss',
    /no (whole )?record at 8/,
  );
});
