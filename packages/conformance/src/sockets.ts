import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { never } from './stage.js';
import type { SubjectKind } from './subject.js';

function openSockets(): string[] {
  return process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Pipe|HTTP2/i.test(name));
}

/** Wraps a suite: when it is over, no socket is left that was not there before. */
export function expectNoSocketsLeft(): void {
  let before: number;
  beforeAll(() => {
    before = openSockets().length;
  });
  afterAll(async () => {
    for (let turn = 0; turn < 50 && openSockets().length > before; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(openSockets().length, openSockets().join(', ')).toBeLessThanOrEqual(before);
  });
}

/** A server that takes a connection and says nothing. */
export function silenceConformance(kind: SubjectKind): void {
  describe('a silent server', () => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.resume();
    });
    let address: string;
    beforeAll(async () => {
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
      });
      const bound = server.address();
      address = typeof bound === 'object' && bound !== null ? `127.0.0.1:${bound.port}` : '';
    });
    afterAll(() => new Promise<void>((resolve) => void server.close(() => resolve())));

    it('is given up at the deadline', async () => {
      const { transport } = kind.create({});
      await expect(transport.connect(address, { signal: never, timeoutMs: 100 })).rejects.toMatchObject({
        code: 'deadline-exceeded',
      });
    });

    it('is given up when the caller says so', async () => {
      const { transport } = kind.create({});
      const controller = new AbortController();
      const connecting = transport.connect(address, { signal: controller.signal });
      server.once('connection', () => controller.abort());
      await expect(connecting).rejects.toMatchObject({ code: 'canceled' });
    });
  });
}
