import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import {
  createDataApi,
  type DataApi,
  type DataApiOptions,
  type HttpEnvironment,
  type NeedleStore,
} from '../../src/index.js';
import { nodeHttpEnvironment } from '../../src/node/index.js';
import { newMachine, openStore } from '../needles/machine.js';

export interface HttpRig {
  readonly env: SimulatedEnvironment;
  readonly http: HttpEnvironment;
  readonly store: NeedleStore;
  readonly api: DataApi;
  /** A request by its path, as from this machine. */
  ask(path: string, init?: RequestInit): Promise<Response>;
}

export const ORIGIN = 'http://volume.test';
export const PEER = { address: '127.0.0.1' };

/** A data API with volume 7 on a simulated disk and clock. */
export async function newRig(options: Partial<DataApiOptions> = {}): Promise<HttpRig> {
  const env = newMachine();
  const store = await openStore(env);
  await store.allocate({ volumeId: 7, collection: '' });
  return rigOf(env, store, options);
}

export function rigOf(
  env: SimulatedEnvironment,
  store: NeedleStore,
  options: Partial<DataApiOptions> = {},
): HttpRig {
  const http: HttpEnvironment = {
    ...nodeHttpEnvironment(),
    clock: env.clock,
    timers: env.time.timers,
    random: createSimulatedEnvironment({ seed: 2 }).random,
  };
  const api = createDataApi({ env: http, reads: store, writes: store, ...options });
  const ask = (path: string, init?: RequestInit) => api(new Request(`${ORIGIN}${path}`, init), PEER);
  return { env, http, store, api, ask };
}

export interface FormPart {
  readonly fileName?: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly data: Uint8Array | string;
}

const BOUNDARY = 'a-boundary';
export const FORM = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };

export function formBody(...parts: readonly FormPart[]): Uint8Array<ArrayBuffer> {
  const pieces = parts.flatMap(({ fileName, contentType, contentEncoding, data }) => {
    const lines = [
      `--${BOUNDARY}`,
      `Content-Disposition: form-data; name="file"${fileName === undefined ? '' : `; filename="${fileName}"`}`,
    ];
    if (contentType !== undefined) lines.push(`Content-Type: ${contentType}`);
    if (contentEncoding !== undefined) lines.push(`Content-Encoding: ${contentEncoding}`);
    return [`${lines.join('\r\n')}\r\n\r\n`, data, '\r\n'];
  });
  const buffers = [...pieces, `--${BOUNDARY}--\r\n`].map((piece) => Buffer.from(piece as string));
  return new Uint8Array(Buffer.concat(buffers));
}

/** A form with one file, as most clients send it. */
export function upload(part: FormPart, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { ...FORM, ...headers }, body: formBody(part) };
}

export function put(data: Uint8Array | string, headers: Record<string, string> = {}): RequestInit {
  const body = typeof data === 'string' ? data : new Uint8Array(data);
  return { method: 'PUT', headers: { 'content-type': 'application/octet-stream', ...headers }, body };
}

export async function bytesOf(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

/** A request whose body comes in pieces. */
export function inPieces(
  method: 'POST' | 'PUT',
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  headers: Record<string, string>,
): RequestInit {
  const iterator = (async function* () {
    yield* pieces;
  })();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return();
    },
  });
  return { method, headers, body, duplex: 'half' } as RequestInit;
}

export function* cut(bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
  const at = [
    0,
    ...[...cuts].sort((a, b) => a - b).map((place) => Math.min(place, bytes.length)),
    bytes.length,
  ];
  for (let i = 1; i < at.length; i++) yield bytes.slice(at[i - 1], at[i]);
}
