import { HttpRefusal } from './answers.js';
import type { PeerLocation, Peers } from './data-api-ports.js';
import type { IdleWatch } from './idle-watch.js';

export interface PeerRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers?: Headers | Record<string, string>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
}

/** Requests to the other servers; one that does not go on is given up. */
export interface PeerClient {
  /** Error 502 where that cannot be told. */
  locate(volumeId: number): Promise<readonly PeerLocation[]>;
  /** Error 502 where it does not answer. */
  send(location: PeerLocation, request: PeerRequest): Promise<Response>;
}

/** Without peers there is nobody. */
export function createPeerClient(peers: Peers | undefined, watch: IdleWatch): PeerClient {
  /** Runs with a signal that ends it when nothing was touched for the time of the watch. */
  async function bounded<T>(run: (signal: AbortSignal, touch: () => void) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    const entry = watch.watch(() => abort.abort(new Error('no answer')));
    try {
      return await run(abort.signal, entry.touch);
    } finally {
      entry.end();
    }
  }

  return {
    async locate(volumeId) {
      if (peers === undefined) return [];
      try {
        return await bounded((signal) => peers.locate(volumeId, signal));
      } catch (cause) {
        throw new HttpRefusal(502, `volume ${volumeId} cannot be looked up: ${messageOf(cause)}`, { cause });
      }
    },
    async send({ address }, { method, target, headers, body }) {
      const url = `${peers?.scheme ?? 'http'}://${address}${target}`;
      try {
        return await bounded((signal, touch) => {
          const init: RequestInit & { duplex: 'half' } = {
            method,
            signal,
            duplex: 'half',
            redirect: 'manual',
          };
          if (headers !== undefined) init.headers = headers;
          if (body !== undefined) init.body = bodyOf(body, touch);
          return peers!.fetch(new Request(url, init));
        });
      } catch (cause) {
        throw new HttpRefusal(502, `${address} does not answer: ${messageOf(cause)}`, { cause });
      }
    },
  };
}

function bodyOf(body: Uint8Array | AsyncIterable<Uint8Array>, touch: () => void): BodyInit {
  if (body instanceof Uint8Array) return body as Uint8Array<ArrayBuffer>;
  const iterator = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        touch();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The pieces of an answer; where it does not go on for the time of the watch it fails. */
export async function* answerPieces(response: Response, watch: IdleWatch): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let isIdle = false;
  const entry = watch.watch(() => {
    isIdle = true;
    reader.cancel().catch(() => {});
  });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (isIdle) throw new HttpRefusal(502, 'an answer of another server does not go on');
      if (done) return;
      entry.touch();
      yield value;
      entry.touch();
    }
  } finally {
    entry.end();
    reader.cancel().catch(() => {});
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : `${error}`;
}
