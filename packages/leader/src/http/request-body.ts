import { HttpRefusal } from './answers.js';
import type { IdleWatch } from './idle-watch.js';

/** A body that tells to be no longer is taken at once. */
const SHORT_BODY_BYTES = 256 << 10;

/** A body at hand, or one that comes. */
export type ReceivedBody = Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Takes the body of a request. Error 413 where it tells to be longer than `maxBytes`, 408 where no byte comes for the time
 * of the watch (of a short one: where it has not come by then), 400 where it breaks off.
 */
export async function receiveBody(
  request: Request,
  watch: IdleWatch,
  maxBytes: number,
): Promise<ReceivedBody> {
  const announced = request.headers.get('content-length');
  if (announced === null || Number(announced) > SHORT_BODY_BYTES) {
    if (announced !== null && Number(announced) > maxBytes) throw tooLarge(maxBytes);
    return request.body === null ? new Uint8Array(0) : bodyPieces(request.body, watch);
  }
  return wholeBody(request, watch);
}

export function tooLarge(maxBytes: number): HttpRefusal {
  return new HttpRefusal(413, `file over the limited ${maxBytes} bytes`, {
    headers: { connection: 'close' },
  });
}

function wholeBody(request: Request, watch: IdleWatch): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const entry = watch.watch(() => reject(idle()));
    request.arrayBuffer().then(
      (buffer) => {
        entry.end();
        resolve(new Uint8Array(buffer));
      },
      (cause) => {
        entry.end();
        reject(brokenOff(cause));
      },
    );
  });
}

async function* bodyPieces(body: ReadableStream<Uint8Array>, watch: IdleWatch): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  let isIdle = false;
  const entry = watch.watch(() => {
    isIdle = true;
    reader.cancel().catch(() => {});
  });
  let isWhole = false;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause) => {
        throw brokenOff(cause);
      });
      if (isIdle) throw idle();
      if (done) break;
      entry.touch();
      yield value;
      entry.touch();
    }
    isWhole = true;
  } finally {
    entry.end();
    if (!isWhole) reader.cancel().catch(() => {});
  }
}

function idle(): HttpRefusal {
  return new HttpRefusal(408, 'no more of the body came', { headers: { connection: 'close' } });
}

function brokenOff(cause: unknown): HttpRefusal {
  return new HttpRefusal(400, 'the body broke off', { cause });
}
