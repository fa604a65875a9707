import { systemTimers } from '@holdfast/format/node';
import { createDataApi } from '@holdfast/leader';
import { nodeHttpEnvironment } from '@holdfast/leader/node';
import type { Dice } from '../dice.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { mutate } from '../mutate.js';
import { packParts, unpackParts } from '../parts.js';
import { createServedFiles, expectServing, openServedStore } from '../served-volume.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'];
const FORM = [
  '--b',
  'Content-Disposition: form-data; name="file"; filename="a.txt"',
  'Content-Type: text/plain',
  '',
  'some data',
  '--b--',
  '',
].join('\r\n');

/** Path, headers, body. Needle 1 is asked for, never written. */
const REQUESTS: readonly (readonly [method: string, path: string, headers: string, body: string])[] = [
  ['GET', '/7,0100000001', 'range: bytes=5-20,30-', ''],
  ['GET', '/7/0100000001/kept.txt?dl=true', 'if-none-match: "abc"\naccept-encoding: gzip', ''],
  ['GET', '/7,0400000004', 'if-modified-since: Tue, 14 Nov 2023 22:13:20 GMT\nrange: bytes=-10', ''],
  ['HEAD', '/7,0200000002?width=10&cm=false', '', ''],
  ['GET', '/status', '', ''],
  ['POST', '/7,0500000005?ttl=3m', 'content-type: multipart/form-data; boundary=b', FORM],
  ['PUT', '/7,0600000006', 'content-type: application/octet-stream\nSeaweed-K: v', 'data'],
  ['PUT', '/7,0700000007?cm=true', 'content-type: application/json', '{"name":"a","size":3,"chunks":[]}'],
  ['PUT', '/7,0800000008', 'content-encoding: gzip\ncontent-md5: aaaa', '\x1f\x8b\x08\x00bad'],
  ['DELETE', '/7,0400000004?ts=5', 'authorization: Bearer a.b.c', ''],
];

/** Requests to the data API of a leader: an answer with a status, and the volume serves on. */
export const httpRequests: FuzzTarget = {
  name: 'http-requests',
  share: 6,
  async prepare() {
    const files = await createServedFiles(systemTimers);
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
    const seeds = [1, 2, 3].map((part) => REQUESTS.map((request) => encode(request[part]!)));
    return {
      make: (dice) => makeRequest(dice, seeds, encode),
      async run(input) {
        const request = requestOf(input);
        if (request === undefined) return;
        const { env, store } = await openServedStore(files, systemTimers);
        const http = { ...nodeHttpEnvironment(), clock: env.clock, timers: systemTimers };
        const api = createDataApi({ env: http, reads: store, writes: store });
        const response = await api(request, { address: '127.0.0.1' });
        const { status } = response;
        expectThat(status >= 200 && status < 600, `status ${status}`);
        const body = await response.text();
        // As SeaweedFS has it, 500 is also what clients do wrong; without a text of its own it is a mistake of ours.
        expectThat(status !== 500 || !/^$|internal error/.test(body), `status 500: ${body}`);
        // Whoever hits upon the id and cookie of needle 1 may write it.
        const isRead = ['GET', 'HEAD', 'OPTIONS'].includes(request.method);
        await expectServing(env, store, !isRead);
      },
    };
  },
};

function makeRequest(
  dice: Dice,
  seeds: readonly (readonly Uint8Array[])[],
  encode: (text: string) => Uint8Array,
): Uint8Array {
  const number = dice.below(REQUESTS.length);
  const method = dice.once(6) ? dice.pick(METHODS) : REQUESTS[number]![0];
  const parts = seeds.map((all) =>
    dice.once(2) ? mutate(dice, [all[number]!, all[number]!, dice.pick(all)]) : all[number]!,
  );
  return packParts([encode(method), ...parts]);
}

/** `undefined` for what no server takes for a request. */
function requestOf(input: Uint8Array): Request | undefined {
  const [method, path, headers, body] = unpackParts(input, 4) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const text = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes);
  try {
    const fields = text(headers)
      .split('\n')
      .filter((line) => line.includes(':'))
      .map((line): [string, string] => [
        line.slice(0, line.indexOf(':')),
        line.slice(line.indexOf(':') + 1).trim(),
      ]);
    const url = new URL(`http://leader.test${text(path)}`);
    if (url.host !== 'leader.test') return undefined;
    const name = text(method);
    const hasBody = name !== 'GET' && name !== 'HEAD' && body.length > 0;
    return new Request(url, { method: name, headers: fields, ...(hasBody && { body: body.slice() }) });
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
