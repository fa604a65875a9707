import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import {
  create,
  createRpcService,
  volumeServerPb as pb,
  type RpcConnection,
  RpcError,
  singleRequest,
} from '@holdfast/protocol';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { mutate } from '../mutate.js';

const CHUNKS = [5, 20_000, 300];
const NEEDLE_BYTES = 100;
/** Only a server that never greets is waited for so long. */
const CONNECT_LIMIT_MS = 200;
/** Of the clock: a call that has not ended by then hangs. */
const CALL_LIMIT_MS = 30_000;

/** What a true server said to a client that made both calls. */
interface Conversation {
  readonly answers: Uint8Array;
  /** Of the answers: what was said before there was a call. */
  readonly greetingBytes: number;
  /** Of what the client said: once it is more, there is a call. */
  readonly clientGreetingBytes: number;
}

/** The client's end of gRPC, down to the frames of HTTP/2, from a server that says anything: every call ends. */
export const serverFrames: FuzzTarget = {
  name: 'server-frames',
  share: 8,
  async prepare() {
    const conversation = await record();
    let input: Uint8Array = conversation.answers;
    const server = createServer((socket) => speak(socket, input, conversation)).unref();
    const address = await listen(server);
    return {
      make: (dice) => mutate(dice, [conversation.answers]),
      async run(bytes) {
        input = bytes;
        const { signal } = new AbortController();
        const transport = createGrpcTransport({ limits: { messageBytes: 1 << 20 } });
        const connection = await transport.connect(address, { signal, timeoutMs: CONNECT_LIMIT_MS });
        const [chunks, needle] = await Promise.allSettled([readChunks(connection), readNeedle(connection)]);
        for (const call of [chunks, needle]) {
          if (call.status === 'fulfilled') continue;
          if (!(call.reason instanceof RpcError)) throw call.reason;
          expectThat(call.reason.code !== 'deadline-exceeded', 'a call hangs');
        }
        await connection.close();
      },
    };
  },
};

async function readChunks(connection: RpcConnection): Promise<number> {
  let bytes = 0;
  const request = singleRequest(create(pb.CopyFileRequestSchema, { volumeId: 7 }));
  const options = { signal: new AbortController().signal, timeoutMs: CALL_LIMIT_MS };
  for await (const { fileContent } of connection.stream(pb.VolumeServer.method.copyFile, request, options))
    bytes += fileContent.length;
  return bytes;
}

async function readNeedle(connection: RpcConnection): Promise<number> {
  const request = create(pb.ReadNeedleBlobRequestSchema, { volumeId: 7 });
  const options = { signal: new AbortController().signal, timeoutMs: CALL_LIMIT_MS };
  const answer = await connection.unary(pb.VolumeServer.method.readNeedleBlob, request, options);
  return answer.needleBlob.length;
}

function speak(socket: Socket, input: Uint8Array, conversation: Conversation): void {
  const { greetingBytes, clientGreetingBytes } = conversation;
  let heardBytes = 0;
  socket.on('error', () => socket.destroy());
  socket.write(input.subarray(0, greetingBytes));
  socket.on('data', (bytes) => {
    heardBytes += bytes.length;
    if (heardBytes > clientGreetingBytes && !socket.writableEnded) socket.end(input.subarray(greetingBytes));
  });
}

/** A true conversation through a relay that keeps what the server says. */
async function record(): Promise<Conversation> {
  const transport = createGrpcTransport();
  const service = createRpcService(pb.VolumeServer, {
    readNeedleBlob: async () =>
      create(pb.ReadNeedleBlobResponseSchema, { needleBlob: new Uint8Array(NEEDLE_BYTES) }),
    async *copyFile() {
      for (const bytes of CHUNKS)
        yield create(pb.CopyFileResponseSchema, { fileContent: new Uint8Array(bytes) });
    },
  });
  const listener = await transport.serve('127.0.0.1:0', [service]);
  const answers: Buffer[] = [];
  let saidBytes = 0;
  const relay = createServer((client) => {
    const upstream = connect(Number(listener.address.split(':')[1]), '127.0.0.1');
    client.on('data', (bytes) => {
      saidBytes += bytes.length;
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      answers.push(bytes);
      client.write(bytes);
    });
    for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    client.on('close', () => upstream.destroy());
  });
  const connection = await transport.connect(await listen(relay), { signal: new AbortController().signal });
  const greetingBytes = Buffer.concat(answers).length;
  const clientGreetingBytes = saidBytes;
  const lengths = [await readChunks(connection), await readNeedle(connection)];
  expectThat(lengths[0] === 20_305 && lengths[1] === NEEDLE_BYTES, `a true conversation gives ${lengths}`);
  await connection.close();
  relay.close();
  await listener.close();
  // A `slice` of a `Buffer` would be no copy.
  return { answers: new Uint8Array(Buffer.concat(answers)), greetingBytes, clientGreetingBytes };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
