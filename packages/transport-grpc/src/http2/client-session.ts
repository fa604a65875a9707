import {
  DEFAULT_WINDOW_BYTES,
  encodeFrame,
  encodeSettings,
  encodeWindowUpdate,
  type FrameHeader,
  frameFlags,
  frameTypes,
  MAX_31_BITS,
  readUint32,
  settingIds,
  uint32Bytes,
} from './frame.js';
import { createFrameReader } from './frame-reader.js';
import { decodeHeaderBlock, type HeaderFields } from './header-block.js';
import { codeOfNumber, type Http2Code, Http2Error, numberOfCode } from './http2-error.js';
import { checkLength, headerFragment, parseSettings } from './payloads.js';
import { createReceiveCredit, type ReceiveCredit } from './receive-credit.js';
import { createSender, type SendWindow } from './sender.js';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** Of all the frames of one header block. */
const MAX_HEADER_BLOCK_BYTES = 65_536;

/** What a session needs of its socket and of who uses it. */
export interface SessionHost {
  /** False where the socket is full: `drained` says when it no longer is. */
  write(bytes: Uint8Array): boolean;
  /** The peer's first settings have come: it speaks HTTP/2, and has taken our certificate. */
  onReady(): void;
  /** Once, the last of all: the peer has broken the protocol or said that it goes. */
  onEnd(error: Http2Error): void;
}

/** What comes on one stream. Nothing does after `onEnd` or `onReset`, nor after `cancel`. */
export interface StreamListener {
  onHeaders(fields: HeaderFields): void;
  /** A view that holds until this returns. */
  onData(part: Uint8Array): void;
  onEnd(): void;
  onReset(code: Http2Code): void;
}

export interface ClientStream {
  /** Resolves when the socket has all of it, or when the stream is over and nothing more will be sent. */
  send(bytes: Uint8Array): Promise<void>;
  /** No more will be sent. */
  end(): void;
  /** So many bytes of data are held no more: the peer may send as many others. */
  release(bytes: number): void;
  /** Ends it on both sides. Idempotent; nothing for a stream that is over. */
  cancel(): void;
}

export interface ClientSession {
  /** Speaks first, as soon as the socket is connected. */
  start(): void;
  /** Bytes that have come. What is wrong with them ends the session. */
  push(bytes: Uint8Array): void;
  /** The socket takes bytes again. */
  drained(): void;
  /** Whether the peer takes no further stream now. */
  isFull(): boolean;
  /** Resolves when something may have become possible that was not, the end of the session included. */
  changed(): Promise<void>;
  /** `headerBlock` fits into one frame of 16 KiB: it is what `encodeFields` makes. */
  open(headerBlock: Uint8Array, listener: StreamListener): ClientStream;
  ping(): void;
  /** What the peer may have under way over all streams. */
  setWindow(windowBytes: number): void;
  /** Nothing is sent or heard any more. Idempotent. */
  close(): void;
}

interface OpenStream {
  readonly listener: StreamListener;
  readonly credit: ReceiveCredit;
  readonly sendWindow: SendWindow;
}

interface HeaderBlock {
  readonly streamId: number;
  readonly endsStream: boolean;
  readonly fragments: Uint8Array[];
  bytes: number;
}

/**
 * The client's half of HTTP/2 (RFC 9113), as far as gRPC needs it: bytes in, frames and calls of `host` and of listeners
 * out. The data of a stream is handed on where the socket put it, without a copy: that is why this is not `node:http2`, which
 * takes three times the processor time for the same bytes (docs/benchmarks.md). On every stream the peer may have
 * `streamWindowBytes` sent that are not released.
 */
export function createClientSession(host: SessionHost, streamWindowBytes: number): ClientSession {
  const streams = new Map<number, OpenStream>();
  const sender = createSender((bytes) => isOver || host.write(bytes));
  const connectionCredit = createReceiveCredit(DEFAULT_WINDOW_BYTES);
  let peerWindowBytes = DEFAULT_WINDOW_BYTES;
  let peerMaxStreams = Number.POSITIVE_INFINITY;
  let nextStreamId = 1;
  let isReady = false;
  let isOver = false;
  let headerBlock: HeaderBlock | undefined;
  /** Of the DATA frame that is coming, without its padding. */
  let dataBytes = 0;

  function close(): void {
    isOver = true;
    for (const { sendWindow } of streams.values()) sendWindow.isOver = true;
    streams.clear();
    sender.wake();
  }

  function fail(error: Http2Error): void {
    if (isOver) return;
    const code = uint32Bytes(numberOfCode(error.code));
    sender.write(encodeFrame(frameTypes.goAway, 0, 0, Buffer.concat([uint32Bytes(0), code])));
    close();
    host.onEnd(error);
  }

  function forget(streamId: number, stream: OpenStream): void {
    stream.sendWindow.isOver = true;
    streams.delete(streamId);
    sender.wake();
  }

  function giveBack(streamId: number, bytes: number): void {
    if (bytes > 0) sender.write(encodeWindowUpdate(streamId, bytes));
  }

  function begins(header: FrameHeader): void {
    const { type, lengthBytes, streamId } = header;
    if (!isReady && type !== frameTypes.settings) {
      throw new Http2Error('PROTOCOL_ERROR', 'the server does not speak HTTP/2 on this port');
    }
    checkLength(header);
    const continued = type === frameTypes.continuation ? streamId : undefined;
    if (headerBlock?.streamId !== continued) {
      throw new Http2Error('PROTOCOL_ERROR', 'a header block is interrupted, or continued where none is');
    }
    if (streamId !== 0 && (streamId % 2 === 0 || streamId >= nextStreamId)) {
      throw new Http2Error('PROTOCOL_ERROR', `a frame on stream ${streamId}, which was never opened`);
    }
    if (streamId === 0 && (type === frameTypes.data || type === frameTypes.headers)) {
      throw new Http2Error('PROTOCOL_ERROR', 'an answer on no stream');
    }
    if (type !== frameTypes.data) return;
    dataBytes = 0;
    connectionCredit.take(lengthBytes);
    streams.get(streamId)?.credit.take(lengthBytes);
    // One stream that nobody reads must not keep the others from being read: they share this window.
    giveBack(0, connectionCredit.release(lengthBytes));
  }

  function data(streamId: number, part: Uint8Array): void {
    dataBytes += part.length;
    streams.get(streamId)?.listener.onData(part);
  }

  function ends(header: FrameHeader, payload: Uint8Array): void {
    const { type, flags, streamId } = header;
    switch (type) {
      case frameTypes.data: {
        const paddingBytes = header.lengthBytes - dataBytes;
        const stream = streams.get(streamId);
        if (paddingBytes > 0 && stream !== undefined) giveBack(streamId, stream.credit.release(paddingBytes));
        if ((flags & frameFlags.endStream) !== 0) peerEnds(streamId);
        break;
      }
      case frameTypes.headers:
        headerBlock = { streamId, endsStream: (flags & frameFlags.endStream) !== 0, fragments: [], bytes: 0 };
        headersCome(headerBlock, flags, headerFragment(flags, payload));
        break;
      case frameTypes.continuation:
        headersCome(headerBlock as HeaderBlock, flags, payload);
        break;
      case frameTypes.resetStream:
        peerResets(streamId, readUint32(payload, 0));
        break;
      case frameTypes.settings:
        settingsCome(flags, payload);
        break;
      case frameTypes.ping:
        if ((flags & frameFlags.ack) === 0)
          sender.answer(encodeFrame(frameTypes.ping, frameFlags.ack, 0, payload));
        break;
      case frameTypes.goAway:
        peerGoes(payload);
        break;
      case frameTypes.windowUpdate:
        windowGrows(streamId, readUint32(payload, 0) & MAX_31_BITS);
        break;
      case frameTypes.pushPromise:
        throw new Http2Error('PROTOCOL_ERROR', 'a push, which was not allowed');
      default: // Of a type that is not known, which means nothing (RFC 9113 §5.5).
    }
  }

  function headersCome(block: HeaderBlock, flags: number, fragment: Uint8Array): void {
    block.fragments.push(fragment);
    block.bytes += fragment.length;
    if (block.bytes > MAX_HEADER_BLOCK_BYTES || block.fragments.length > MAX_HEADER_BLOCK_BYTES / 64) {
      throw new Http2Error('ENHANCE_YOUR_CALM', 'a header block without end');
    }
    if ((flags & frameFlags.endHeaders) === 0) return;
    headerBlock = undefined;
    const fields = decodeHeaderBlock(Buffer.concat(block.fragments));
    streams.get(block.streamId)?.listener.onHeaders(fields);
    if (block.endsStream) peerEnds(block.streamId);
  }

  function peerEnds(streamId: number): void {
    const stream = streams.get(streamId);
    if (stream === undefined) return;
    // A call is over with its answer. What is still to be sent would only be thrown away.
    if (!stream.sendWindow.isOver) sender.write(resetFrame(streamId, 'NO_ERROR'));
    forget(streamId, stream);
    stream.listener.onEnd();
  }

  function peerResets(streamId: number, code: number): void {
    const stream = streams.get(streamId);
    if (stream === undefined) return;
    forget(streamId, stream);
    stream.listener.onReset(codeOfNumber(code));
  }

  function settingsCome(flags: number, payload: Uint8Array): void {
    if ((flags & frameFlags.ack) !== 0) return;
    const settings = parseSettings(payload);
    const windowBytes = settings.get(settingIds.windowBytes) ?? peerWindowBytes;
    for (const { sendWindow } of streams.values()) sender.allow(windowBytes - peerWindowBytes, sendWindow);
    peerWindowBytes = windowBytes;
    peerMaxStreams = settings.get(settingIds.maxStreams) ?? peerMaxStreams;
    const maxFrameBytes = settings.get(settingIds.maxFrameBytes);
    if (maxFrameBytes !== undefined) sender.setMaxFrame(maxFrameBytes);
    sender.answer(encodeFrame(frameTypes.settings, frameFlags.ack, 0));
    sender.wake();
    if (isReady) return;
    isReady = true;
    host.onReady();
  }

  function peerGoes(payload: Uint8Array): never {
    const code = codeOfNumber(readUint32(payload, 4));
    const reason = Buffer.from(payload.subarray(8)).toString('utf8').slice(0, 200);
    const text = [code, reason].filter((part) => part !== '' && part !== 'NO_ERROR').join(': ');
    throw new Http2Error(code, `the server closes the connection${text === '' ? '' : ` (${text})`}`);
  }

  function windowGrows(streamId: number, addedBytes: number): void {
    if (addedBytes === 0) throw new Http2Error('PROTOCOL_ERROR', 'a window that grows by nothing');
    const stream = streams.get(streamId);
    if (streamId === 0) sender.allow(addedBytes);
    else if (stream !== undefined) sender.allow(addedBytes, stream.sendWindow);
  }

  function open(...[block, listener]: Parameters<ClientSession['open']>): ClientStream {
    const streamId = nextStreamId;
    nextStreamId += 2;
    const sendWindow: SendWindow = { streamId, bytes: peerWindowBytes, isOver: false };
    const stream: OpenStream = { listener, sendWindow, credit: createReceiveCredit(streamWindowBytes) };
    streams.set(streamId, stream);
    sender.write(encodeFrame(frameTypes.headers, frameFlags.endHeaders, streamId, block));
    return {
      send: (bytes) => sender.sendData(sendWindow, bytes),
      end() {
        if (sendWindow.isOver) return;
        sendWindow.isOver = true;
        sender.write(encodeFrame(frameTypes.data, frameFlags.endStream, streamId));
      },
      release(bytes) {
        if (streams.has(streamId)) giveBack(streamId, stream.credit.release(bytes));
      },
      cancel() {
        if (!streams.has(streamId)) return;
        sender.write(resetFrame(streamId, 'CANCEL'));
        forget(streamId, stream);
      },
    };
  }

  const read = createFrameReader({ begins, data, ends });
  return {
    start() {
      sender.write(PREFACE);
      sender.write(
        encodeSettings([
          [settingIds.headerTableBytes, 0],
          [settingIds.enablePush, 0],
          [settingIds.windowBytes, streamWindowBytes],
        ]),
      );
    },
    push(bytes) {
      if (isOver) return;
      try {
        read(bytes);
      } catch (error) {
        if (!(error instanceof Http2Error)) throw error;
        fail(error);
      }
    },
    drained: sender.drained,
    isFull: () => streams.size >= peerMaxStreams,
    changed: () => (isOver ? Promise.resolve() : sender.changed()),
    open,
    ping: () => sender.write(encodeFrame(frameTypes.ping, 0, 0, new Uint8Array(8))),
    setWindow: (windowBytes) => giveBack(0, connectionCredit.resize(windowBytes)),
    close,
  };
}

function resetFrame(streamId: number, code: Http2Code): Uint8Array {
  return encodeFrame(frameTypes.resetStream, 0, streamId, uint32Bytes(numberOfCode(code)));
}
