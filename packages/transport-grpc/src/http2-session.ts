import type { ClientHttp2Session } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from '@grpc/grpc-js';
import { openReceiveWindow, type ReceiveWindow, RpcError } from '@holdfast/protocol';

/** What grpc-js keeps of a channel that has connected once. Its version is pinned; a test of every transport needs this. */
interface ConnectedChannel {
  readonly internalChannel?: {
    readonly subchannelPool?: {
      readonly pool?: Readonly<
        Record<
          string,
          readonly {
            readonly subchannel?: { readonly transport?: { readonly session?: ClientHttp2Session } };
          }[]
        >
      >;
    };
  };
}

/** The one session of a channel that is ready: grpc-js has windows of one size only, and shows it to nobody. */
export function sessionOf(channel: Channel, address: string): ClientHttp2Session {
  const { internalChannel } = channel as unknown as ConnectedChannel;
  const subchannels = Object.values(internalChannel?.subchannelPool?.pool ?? {}).flat();
  const session = subchannels.map(({ subchannel }) => subchannel?.transport?.session).find(Boolean);
  if (session === undefined || session.destroyed)
    throw new RpcError('unavailable', `${address}: the connection was lost as soon as it was made`);
  return session;
}

/** Streams of up to `windowBytes` on a connection whose window follows its link. */
export function openWindows(
  session: ClientHttp2Session,
  receivedBytes: () => number,
  windowBytes: number,
): ReceiveWindow {
  session.settings({ initialWindowSize: windowBytes });
  return openReceiveWindow(
    {
      receivedBytes,
      setWindow: (bytes) => session.setLocalWindowSize(bytes),
      isGone: () => session.destroyed,
      nowMs: () => performance.now(),
      timers: { sleep: (delayMs, signal) => sleep(delayMs, undefined, { ref: false, signal }) },
    },
    windowBytes,
  );
}
