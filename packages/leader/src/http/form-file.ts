import { HttpRefusal } from './answers.js';
import { joinPieces } from './content.js';
import { dispositionFileName } from './content-disposition.js';
import type { FormEvent, FormParser, FormPartHeaders } from './form-parser.js';
import type { ReceivedBody } from './request-body.js';

/** The part of a form that is the upload. */
export interface FormFile {
  readonly headers: FormPartHeaders;
  readonly fileName: string;
  readonly data: ReceivedBody;
}

/**
 * The file of a form: the first part, or if that has no file name the first later one that has (protocol.md §6). What it
 * has beside it is passed over, up to `maxOtherBytes`; of a first part without a name so much is held until it is known
 * whether another follows. Errors 400, also behind the last piece of the data.
 */
export async function findFormFile(
  body: ReceivedBody,
  parser: FormParser,
  maxOtherBytes: number,
): Promise<FormFile> {
  const events = body instanceof Uint8Array ? eventsOfWhole(body, parser) : eventsOf(body, parser);
  let isHandedOver = false;
  try {
    return await find();
  } finally {
    if (!isHandedOver) await events.return(undefined);
  }

  async function find(): Promise<FormFile> {
    let nameless: FormPartHeaders | undefined;
    const held: Uint8Array[] = [];
    let partCount = 0;
    let passedBytes = 0;
    for (;;) {
      const { value: event } = await events.next();
      if (event === undefined || event.kind === 'end') break;
      if (event.kind === 'part') {
        partCount++;
        const fileName = dispositionFileName(event.headers.disposition);
        if (fileName !== '') return fileOf(event.headers, fileName, []);
        nameless ??= event.headers;
        continue;
      }
      passedBytes += event.bytes.length;
      if (partCount === 1) held.push(event.bytes);
      if (passedBytes <= maxOtherBytes) continue;
      if (partCount === 1) return fileOf(nameless!, '', held);
      throw tooMuchBeside(maxOtherBytes);
    }
    if (nameless === undefined) throw new HttpRefusal(400, 'a form without a part');
    return { headers: nameless, fileName: '', data: joinPieces(held) };
  }

  async function fileOf(
    headers: FormPartHeaders,
    fileName: string,
    begun: readonly Uint8Array[],
  ): Promise<FormFile> {
    const data = dataOf(begun, fileName === '');
    if (!(body instanceof Uint8Array)) {
      isHandedOver = true;
      return { headers, fileName, data };
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of data) pieces.push(piece);
    return { headers, fileName, data: joinPieces(pieces) };
  }

  /** The data of the part that has begun; then the rest of the form, which must come to its end. */
  async function* dataOf(begun: readonly Uint8Array[], isNameless: boolean): AsyncGenerator<Uint8Array> {
    let isOver = false;
    let besideBytes = 0;
    try {
      yield* begun;
      for await (const event of events) {
        if (event.kind === 'data') {
          if (!isOver) yield event.bytes;
          else if ((besideBytes += event.bytes.length) > maxOtherBytes) throw tooMuchBeside(maxOtherBytes);
          continue;
        }
        isOver = true;
        if (event.kind === 'part' && isNameless && dispositionFileName(event.headers.disposition) !== '')
          throw new HttpRefusal(400, `a file behind a nameless part of more than ${maxOtherBytes} bytes`);
      }
    } finally {
      await events.return(undefined);
    }
  }
}

function tooMuchBeside(maxOtherBytes: number): HttpRefusal {
  return new HttpRefusal(400, `a form with more than ${maxOtherBytes} bytes beside its file`);
}

async function* eventsOfWhole(body: Uint8Array, parser: FormParser): AsyncGenerator<FormEvent, undefined> {
  yield* parser.push(body);
  yield* parser.finish();
}

async function* eventsOf(
  pieces: AsyncIterable<Uint8Array>,
  parser: FormParser,
): AsyncGenerator<FormEvent, undefined> {
  for await (const piece of pieces) yield* parser.push(piece);
  yield* parser.finish();
}
