import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type {
  RpcCallOptions,
  RpcConnection,
  RpcTransport,
  StreamMethod,
  UnaryMethod,
} from '@holdfast/protocol';
import { volumeServerPb } from '@holdfast/protocol';

/** Where a test reaches into the calls of a follower. Each may wait: the call waits with it. */
export interface CallWatch {
  /** Before the `ReadNeedleBlob` with this index, from 0, is sent. `signal` is the call's own. */
  beforeRange?(index: number, signal: AbortSignal): void | Promise<void>;
  /** After so many bytes of a file have come by `CopyFile`, before they are passed on. */
  afterCopied?(ext: string, copiedBytes: number): void | Promise<void>;
}

/** A transport whose calls a test sees, and can hold. `watch` may be replaced at any time. */
export interface WatchedTransport extends RpcTransport {
  watch: CallWatch;
}

/** Over a real one. A new `watch` counts anew. */
export function watchTransport(inner: RpcTransport): WatchedTransport {
  const { readNeedleBlob, copyFile } = volumeServerPb.VolumeServer.method;
  let watch: CallWatch = {};
  let ranges = 0;

  const watchConnection = (connection: RpcConnection): RpcConnection => ({
    get receivedBytes() {
      return connection.receivedBytes;
    },
    closed: connection.closed,
    close: () => connection.close(),
    async unary<I extends DescMessage, O extends DescMessage>(
      method: UnaryMethod<I, O>,
      request: MessageShape<I>,
      options: RpcCallOptions,
    ) {
      if (method.localName === readNeedleBlob.localName) await watch.beforeRange?.(ranges++, options.signal);
      return await connection.unary(method, request, options);
    },
    stream<I extends DescMessage, O extends DescMessage>(
      method: StreamMethod<I, O>,
      requests: AsyncIterable<MessageShape<I>>,
      options: RpcCallOptions,
    ): AsyncIterable<MessageShape<O>> {
      if (method.localName !== copyFile.localName) return connection.stream(method, requests, options);
      let ext = '';
      const seen = (async function* () {
        for await (const request of requests) {
          ext = (request as unknown as volumeServerPb.CopyFileRequest).ext;
          yield request;
        }
      })();
      const messages = connection.stream(method, seen, options);
      return (async function* () {
        let copiedBytes = 0;
        for await (const message of messages) {
          copiedBytes += (message as unknown as volumeServerPb.CopyFileResponse).fileContent.length;
          await watch.afterCopied?.(ext, copiedBytes);
          yield message;
        }
      })();
    },
  });

  return {
    get watch() {
      return watch;
    },
    set watch(next) {
      watch = next;
      ranges = 0;
    },
    connect: async (address, options) => watchConnection(await inner.connect(address, options)),
  };
}
