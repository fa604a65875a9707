import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClientSession, type StreamListener } from '../../src/http2/client-session.js';
import {
  encodeFrame,
  encodeSettings,
  encodeWindowUpdate,
  type FrameHeader,
  frameFlags,
  frameTypes,
  settingIds,
  uint32Bytes,
} from '../../src/http2/frame.js';
import { createFrameReader } from '../../src/http2/frame-reader.js';
import { encodeFields } from '../../src/http2/header-block.js';
import type { Http2Error } from '../../src/http2/http2-error.js';

const PREFACE_BYTES = 24;
const WINDOW_BYTES = 1000;

/** A session, the frames that it has sent and what its first stream has heard. */
function open(isSocketFull = () => false) {
  const sent: { readonly header: FrameHeader; readonly payload: Uint8Array; readonly dataBytes: number }[] =
    [];
  const heard: string[] = [];
  let ended: Http2Error | undefined;
  let isReady = false;
  let prefaceBytes = 0;
  let dataBytes = 0;
  const read = createFrameReader({
    begins: () => {
      dataBytes = 0;
    },
    data: (_streamId, part) => {
      dataBytes += part.length;
    },
    ends: (header, payload) => sent.push({ header, payload, dataBytes }),
  });
  const session = createClientSession(
    {
      write(bytes) {
        if (prefaceBytes === 0) prefaceBytes = bytes.length;
        else read(bytes);
        return !isSocketFull();
      },
      onReady: () => {
        isReady = true;
      },
      onEnd: (error) => {
        ended = error;
      },
    },
    WINDOW_BYTES,
  );
  session.start();
  expect(prefaceBytes).toBe(PREFACE_BYTES);
  const listener: StreamListener = {
    onHeaders: (fields) => heard.push(`headers ${[...fields].join(' ')}`),
    onData: (part) => heard.push(`data ${part.length}`),
    onEnd: () => heard.push('end'),
    onReset: (code) => heard.push(`reset ${code}`),
  };
  return {
    session,
    sent,
    heard,
    listener,
    ended: () => ended,
    isReady: () => isReady,
    sentOf: (type: number) => sent.filter(({ header }) => header.type === type),
    push: (...frames: Uint8Array[]) => session.push(Buffer.concat(frames)),
    openStream: () => session.open(encodeFields([[':method', 'POST']]), listener),
  };
}

const settings = (...values: (readonly [number, number])[]) => encodeSettings(values);
const data = (bytes: number, flags = 0) => encodeFrame(frameTypes.data, flags, 1, new Uint8Array(bytes));
const fields = encodeFields([['grpc-status', '0']]);
const trailers = encodeFrame(frameTypes.headers, frameFlags.endHeaders | frameFlags.endStream, 1, fields);
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('createClientSession', () => {
  it('is ready with the first settings, and acknowledges them', () => {
    const peer = open();
    expect(peer.isReady()).toBe(false);
    peer.push(settings());
    expect(peer.isReady()).toBe(true);
    expect(peer.sent.at(-1)?.header).toMatchObject({ type: frameTypes.settings, flags: frameFlags.ack });
  });

  it('hands on headers, data and the end of a stream', () => {
    const peer = open();
    peer.push(settings());
    peer.openStream().end();
    peer.push(data(10), data(0), trailers, data(5));
    expect(peer.heard).toEqual(['data 10', 'headers grpc-status,0', 'end']);
    expect(peer.sentOf(frameTypes.resetStream)).toEqual([]);
  });

  it('puts a header block together, and tells the peer when it has not sent all it wanted', () => {
    const peer = open();
    peer.push(settings());
    peer.openStream();
    peer.push(
      encodeFrame(frameTypes.headers, frameFlags.endStream, 1, fields.subarray(0, 4)),
      encodeFrame(frameTypes.continuation, 0, 1, fields.subarray(4, 7)),
      encodeFrame(frameTypes.continuation, frameFlags.endHeaders, 1, fields.subarray(7)),
    );
    expect(peer.heard).toEqual(['headers grpc-status,0', 'end']);
    expect(peer.sentOf(frameTypes.resetStream).length).toBe(1);
  });

  it('sends within the windows, and the rest as they grow', async () => {
    const peer = open();
    peer.push(settings([settingIds.windowBytes, 10]));
    const stream = peer.openStream();
    let isSent = false;
    const sending = stream.send(new Uint8Array(70_000)).then(() => {
      isSent = true;
    });
    const sentBytes = () => peer.sentOf(frameTypes.data).reduce((sum, { dataBytes }) => sum + dataBytes, 0);
    expect(sentBytes()).toBe(10);
    peer.push(settings([settingIds.windowBytes, 30]));
    await settle();
    expect(sentBytes()).toBe(30);
    peer.push(encodeWindowUpdate(1, 100_000));
    await settle();
    expect(sentBytes()).toBe(65_535);
    expect(Math.max(...peer.sentOf(frameTypes.data).map(({ dataBytes }) => dataBytes))).toBe(16_384);
    expect(isSent).toBe(false);
    peer.push(encodeWindowUpdate(0, 100_000));
    await sending;
    expect(sentBytes()).toBe(70_000);
  });

  it('waits for a socket that is full', async () => {
    let isFull = true;
    const peer = open(() => isFull);
    peer.push(settings());
    const sending = peer.openStream().send(new Uint8Array(100));
    await settle();
    expect(peer.sentOf(frameTypes.data)).toEqual([]);
    isFull = false;
    peer.session.drained();
    await sending;
    expect(peer.sentOf(frameTypes.data).length).toBe(1);
  });

  it('opens no more streams than the peer takes', async () => {
    const peer = open();
    peer.push(settings([settingIds.maxStreams, 1]));
    expect(peer.session.isFull()).toBe(false);
    const stream = peer.openStream();
    expect(peer.session.isFull()).toBe(true);
    const changed = peer.session.changed();
    stream.cancel();
    await changed;
    expect(peer.session.isFull()).toBe(false);
  });

  it('gives a stream back what is released, and the connection what has come', () => {
    const peer = open();
    peer.push(settings());
    const stream = peer.openStream();
    peer.session.setWindow(100_000);
    const given = (streamId: number) =>
      peer
        .sentOf(frameTypes.windowUpdate)
        .filter(({ header }) => header.streamId === streamId)
        .reduce((sum, { payload }) => sum + Buffer.from(payload).readUInt32BE(), 0);
    expect(given(0)).toBe(100_000 - 65_535);
    for (let round = 0; round < 40; round++) {
      peer.push(data(1000));
      expect(given(1)).toBe(1000 * round);
      stream.release(1000);
    }
    expect(given(0)).toBe(100_000 - 65_535 + 25_000);
    // Padding is released by itself: its reader never sees it.
    const padded = encodeFrame(
      frameTypes.data,
      frameFlags.padded,
      1,
      Buffer.concat([Buffer.of(250), Buffer.alloc(350)]),
    );
    peer.push(padded);
    expect(given(1)).toBe(40_000 + 251);
    expect(peer.ended()).toBeUndefined();
  });

  it.each<[string, readonly Uint8Array[], string, string]>([
    [
      'another protocol',
      [Buffer.from('HTTP/1.1 400 Bad Request\r\n')],
      'PROTOCOL_ERROR',
      'does not speak HTTP/2',
    ],
    ['more than a window', [settings(), data(WINDOW_BYTES + 1)], 'FLOW_CONTROL_ERROR', 'window'],
    [
      'a window that overflows',
      [settings(), encodeWindowUpdate(1, 2 ** 31 - 1)],
      'FLOW_CONTROL_ERROR',
      'window',
    ],
    [
      'a window that grows by nothing',
      [settings(), encodeWindowUpdate(1, 0)],
      'PROTOCOL_ERROR',
      'by nothing',
    ],
    ['a frame over the limit', [settings(), data(16_385)], 'FRAME_SIZE_ERROR', '16385'],
    [
      'a frame of a wrong length',
      [settings(), encodeFrame(frameTypes.ping, 0, 0, new Uint8Array(7))],
      'FRAME_SIZE_ERROR',
      'type 6',
    ],
    [
      'a stream that was not opened',
      [settings(), encodeFrame(frameTypes.resetStream, 0, 3, uint32Bytes(0))],
      'PROTOCOL_ERROR',
      'stream 3',
    ],
    [
      'a push',
      [settings(), encodeFrame(frameTypes.pushPromise, 4, 1, new Uint8Array(4))],
      'PROTOCOL_ERROR',
      'push',
    ],
    [
      'data on no stream',
      [settings(), encodeFrame(frameTypes.data, 0, 0, new Uint8Array(4))],
      'PROTOCOL_ERROR',
      'no stream',
    ],
    [
      'a header block that is interrupted',
      [settings(), encodeFrame(frameTypes.headers, 0, 1, fields), data(1)],
      'PROTOCOL_ERROR',
      'interrupted',
    ],
    [
      'a continuation of nothing',
      [settings(), encodeFrame(frameTypes.continuation, 4, 1, fields)],
      'PROTOCOL_ERROR',
      'continued',
    ],
    [
      'frames that are too small to be allowed',
      [settings([settingIds.maxFrameBytes, 100])],
      'PROTOCOL_ERROR',
      '100',
    ],
    [
      'a header block without end',
      [
        settings(),
        encodeFrame(frameTypes.headers, 0, 1),
        ...Array(2000).fill(encodeFrame(frameTypes.continuation, 0, 1)),
      ],
      'ENHANCE_YOUR_CALM',
      'without end',
    ],
    [
      'a goodbye',
      [
        settings(),
        encodeFrame(
          frameTypes.goAway,
          0,
          0,
          Buffer.concat([uint32Bytes(0), uint32Bytes(11), Buffer.from('too_many_pings')]),
        ),
      ],
      'ENHANCE_YOUR_CALM',
      'the server closes the connection (ENHANCE_YOUR_CALM: too_many_pings)',
    ],
  ])('ends at %s', (_name, frames, code, text) => {
    const peer = open();
    const stream = peer.openStream();
    peer.push(...frames);
    expect(peer.ended()).toMatchObject({ name: 'Http2Error', code, message: expect.stringContaining(text) });
    expect(peer.sent.at(-1)?.header.type).toBe(frameTypes.goAway);
    const sentFrames = peer.sent.length;
    peer.push(settings());
    stream.cancel();
    expect(peer.sent.length).toBe(sentFrames);
  });

  it('ends where a peer asks for answers and takes none', () => {
    const peer = open(() => true);
    peer.push(settings(), ...Array(2000).fill(encodeFrame(frameTypes.ping, 0, 0, new Uint8Array(8))));
    expect(peer.ended()).toMatchObject({ code: 'ENHANCE_YOUR_CALM' });
    expect(peer.sent.length).toBeLessThan(1100);
  });

  it('goes on or ends by its own error, whatever comes', () => {
    const conversation = Buffer.concat([
      settings([settingIds.maxStreams, 100], [settingIds.windowBytes, 70_000]),
      encodeFrame(frameTypes.settings, frameFlags.ack, 0),
      encodeFrame(frameTypes.headers, frameFlags.endHeaders, 1, encodeFields([[':status', '200']])),
      data(30),
      encodeFrame(frameTypes.ping, 0, 0, new Uint8Array(8)),
      encodeWindowUpdate(0, 5000),
      data(20, frameFlags.padded),
      trailers,
      encodeFrame(frameTypes.goAway, 0, 0, new Uint8Array(8)),
    ]);
    const change = fc.tuple(fc.nat(conversation.length - 1), fc.nat(255));
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.nat(conversation.length),
        (changes, cut) => {
          const bytes = Buffer.from(conversation);
          for (const [at, value] of changes) bytes[at] = value;
          const peer = open();
          peer.openStream();
          peer.session.push(bytes.subarray(0, cut));
          peer.session.push(bytes.subarray(cut));
          expect(peer.heard.filter((line) => line === 'end' || line.startsWith('reset')).length).toBeLessThan(
            2,
          );
          if (peer.ended() !== undefined) expect(peer.ended()?.name).toBe('Http2Error');
        },
      ),
      { numRuns: 5000 },
    );
  });
});
