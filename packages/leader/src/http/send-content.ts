import { type AnswerHeaders, HttpRefusal } from './answers.js';
import { type ByteRange, parseRanges } from './byte-range.js';
import type { Content } from './content.js';
import type { IdleWatch } from './idle-watch.js';
import { createMultipartRanges } from './multipart-ranges.js';
import { streamBody } from './response-body.js';

export interface SendOptions {
  readonly isHead: boolean;
  /** The Range header if it counts. */
  readonly range: string | null;
  readonly maxRanges: number;
  readonly watch: IdleWatch;
  readonly createBoundary: () => string;
}

/** The answer of status 200, 206 or 416 with what is wanted of the content, which is closed when that is sent. */
export async function sendContent(
  content: Content,
  headers: AnswerHeaders,
  { isHead, range, maxRanges, watch, createBoundary }: SendOptions,
): Promise<Response> {
  const { sizeBytes } = content;
  const asked = range === null ? undefined : parseRanges(range, sizeBytes, maxRanges);
  const whole = { start: 0, end: sizeBytes };
  if (asked === undefined || asked.kind === 'all') return send(200, whole, headers);
  if (asked.kind === 'ranges') {
    const { ranges } = asked;
    if (ranges.length === 1) {
      const [one] = ranges as readonly [ByteRange];
      headers['content-range'] = `bytes ${one.start}-${one.end - 1}/${sizeBytes}`;
      return send(206, one, headers);
    }
    // Of what is long one pass gives the ranges in their order, or else everything is sent.
    if (content.bytes === undefined && !isAscending(ranges)) return send(200, whole, headers);
    const multipart = createMultipartRanges(ranges, sizeBytes, headers['content-type'], createBoundary());
    headers['content-type'] = multipart.contentType;
    headers['content-length'] = `${multipart.lengthBytes}`;
    return sendPieces(206, multipart.pieces(content));
  }
  await content.close();
  const texts = {
    invalid: 'invalid range',
    unsatisfiable: 'invalid range: failed to overlap',
    'too-many': `invalid range: more than ${maxRanges}`,
  };
  throw new HttpRefusal(416, texts[asked.kind], { headers: { 'content-range': `bytes */${sizeBytes}` } });

  async function send(status: number, part: ByteRange, fields: AnswerHeaders): Promise<Response> {
    const lengthBytes = part.end - part.start;
    fields['content-length'] = `${lengthBytes}`;
    if (content.bytes === undefined) return sendPieces(status, content.read(part));
    const body = isHead || lengthBytes === 0 ? null : content.bytes.subarray(part.start, part.end);
    await content.close();
    return new Response(body as Uint8Array<ArrayBuffer> | null, { status, headers: fields });
  }

  async function sendPieces(status: number, pieces: AsyncIterable<Uint8Array>): Promise<Response> {
    if (isHead) {
      await content.close();
      return new Response(null, { status, headers });
    }
    return new Response(
      streamBody(pieces, () => content.close(), watch),
      { status, headers },
    );
  }
}

function isAscending(ranges: readonly ByteRange[]): boolean {
  return ranges.every(({ start }, i) => i === 0 || start >= ranges[i - 1]!.end);
}
