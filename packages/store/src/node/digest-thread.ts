import { hash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { StoreEnvironment } from '../environment.js';

interface Task {
  readonly bytes: Uint8Array;
  readonly blockBytes: number;
  readonly resolve: (digests: Uint8Array) => void;
}

/** Self-contained: it runs in the thread as its text. */
function digestsOf(sha256: typeof hash, bytes: Uint8Array, blockBytes: number): Uint8Array {
  const digestBytes = 32;
  const digests = new Uint8Array((bytes.length / blockBytes) * digestBytes);
  for (let block = 0; block * blockBytes < bytes.length; block++) {
    const part = bytes.subarray(block * blockBytes, (block + 1) * blockBytes);
    digests.set(sha256('sha256', part, 'buffer'), block * digestBytes);
  }
  return digests;
}

/** As text: a file would have to be found from the sources, from a package and from a bundle alike. */
const threadText = `
const { parentPort } = require('node:worker_threads');
const { hash } = require('node:crypto');
const digestsOf = ${digestsOf};
parentPort.on('message', ({ bytes, blockBytes }) => {
  parentPort.postMessage(digestsOf(hash, bytes, blockBytes));
});`;

function digestsHere(bytes: Uint8Array, blockBytes: number): Uint8Array {
  return digestsOf(hash, bytes, blockBytes);
}

/**
 * Makes `StoreEnvironment.sha256Blocks`, with one thread that begins when it is first needed. Where there can be none, and for
 * memory that threads do not share, the caller's does the work.
 */
export function createSha256Blocks(
  startWorker = () => new Worker(threadText, { eval: true, name: 'digests' }),
): StoreEnvironment['sha256Blocks'] {
  /** In the order in which the thread answers. */
  let waiting: Task[] = [];
  let thread: Worker | 'none' | undefined;

  function start(): Worker | 'none' {
    try {
      const worker = startWorker();
      worker.on('message', (digests: Uint8Array) => {
        waiting.shift()?.resolve(digests);
        if (waiting.length === 0) worker.unref();
      });
      worker.on('error', giveUp);
      worker.on('exit', giveUp);
      return worker;
    } catch {
      // A process that may start none, by its permissions.
      return 'none';
    }
  }

  function giveUp(): void {
    thread = 'none';
    const left = waiting;
    waiting = [];
    for (const { bytes, blockBytes, resolve } of left) resolve(digestsHere(bytes, blockBytes));
  }

  return async (bytes, blockBytes) => {
    if (!(bytes.buffer instanceof SharedArrayBuffer)) return digestsHere(bytes, blockBytes);
    thread ??= start();
    const worker = thread;
    if (worker === 'none') return digestsHere(bytes, blockBytes);
    return new Promise((resolve) => {
      waiting.push({ bytes, blockBytes, resolve });
      worker.ref();
      worker.postMessage({ bytes, blockBytes });
    });
  };
}

/**
 * The one of this process. SHA-256 is a third of the processor time of a first copy: with a thread of its own the one that
 * receives goes on meanwhile (docs/benchmarks.md).
 */
export const nodeSha256Blocks = createSha256Blocks();
