import type { IdleWatch } from './idle-watch.js';

/**
 * Pieces as the body of an answer: each is taken when it is asked for. `close` is called once, when all is sent, when
 * it fails, and when the client goes away or takes nothing for the time of the watch.
 */
export function streamBody(
  pieces: AsyncIterable<Uint8Array>,
  close: () => Promise<void>,
  watch: IdleWatch,
): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  let isOver = false;
  let pulling: Promise<unknown> = Promise.resolve();

  async function finish(): Promise<void> {
    if (isOver) return;
    isOver = true;
    entry.end();
    await pulling.catch(() => {});
    try {
      await iterator.return?.();
    } finally {
      await close();
    }
  }

  let fail: (error: unknown) => void = () => {};
  const entry = watch.watch(() => {
    fail(new Error('the client took nothing for too long'));
    finish().catch(() => {});
  });

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        fail = (error) => controller.error(error);
      },
      async pull(controller) {
        try {
          entry.touch();
          const next = iterator.next();
          pulling = next;
          const { done, value } = await next;
          if (isOver) return;
          entry.touch();
          if (done !== true) {
            controller.enqueue(value);
            return;
          }
          await finish();
          controller.close();
        } catch (error) {
          await finish().catch(() => {});
          controller.error(error);
        }
      },
      cancel: finish,
    },
    { highWaterMark: 0 },
  );
}
