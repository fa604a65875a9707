import type { Socket } from 'node:net';
import type { RpcTlsOptions } from '@holdfast/protocol';
import { createClientSocket, socketError } from '@holdfast/protocol/node';

/** A connected socket, its TLS handshake through. Fails with `unavailable`, `unauthenticated` or the signal's reason. */
export function openClientSocket(
  address: string,
  tls: RpcTlsOptions | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = createClientSocket(address, tls);
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      signal.removeEventListener('abort', onAbort);
      resolve(socket);
    });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', onAbort);
      reject(socketError(address, error));
    });
  });
}
