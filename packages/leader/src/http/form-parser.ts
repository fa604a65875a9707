import { type MultipartError, make, type PartInfo } from 'multipasta';
import { HttpRefusal } from './answers.js';
import { joinPieces } from './content.js';
import type { HttpLimits } from './data-api-ports.js';

/** What a form has come to. A part has come to its end where the next one begins, or `end` comes. */
export type FormEvent =
  | { readonly kind: 'part'; readonly headers: FormPartHeaders }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' };

export interface FormPartHeaders {
  /** As they stand there; `""` for none. */
  readonly disposition: string;
  readonly contentType: string;
  readonly contentEncoding: string;
}

/** Cuts the body of a multipart form into its parts. Errors 400. */
export interface FormParser {
  push(bytes: Uint8Array): readonly FormEvent[];
  /** Nothing more comes. Fails where the form has not come to its end. */
  finish(): readonly FormEvent[];
}

const CARRIAGE_RETURN = 0x0d;
/**
 * A line end, a boundary (at most 70 characters, RFC 2046 §5.1.1) and what stands behind it. The parser takes them for
 * something else where they come in two pieces, so what may be such stays behind until more comes.
 */
const DELIMITER_BYTES = 80;

export function createFormParser(
  contentType: string,
  { formParts, formPreambleBytes }: Pick<HttpLimits, 'formParts' | 'formPreambleBytes'>,
): FormParser {
  let events: FormEvent[] = [];
  let hasPart = false;
  let isOver = false;
  let comeBytes = 0;
  let epilogueBytes = 0;
  let failure: HttpRefusal | undefined;
  let held = new Uint8Array(0);

  const refuse = (message: string, cause?: unknown) => {
    failure ??= new HttpRefusal(400, message, { cause });
  };
  const parser = make({
    headers: { 'content-type': contentType },
    isFile: () => true,
    maxParts: formParts,
    onField() {},
    onFile(info) {
      hasPart = true;
      events.push({ kind: 'part', headers: headersOf(info) });
      return (chunk) => {
        if (chunk !== null && chunk.length > 0) events.push({ kind: 'data', bytes: chunk });
      };
    },
    onError: (error) => refuse(textOf(error, formParts)),
    onDone() {
      isOver = true;
      events.push({ kind: 'end' });
    },
  });

  function parse(piece: Uint8Array): readonly FormEvent[] {
    try {
      if (failure === undefined) parser.write(piece);
    } catch (cause) {
      refuse('the headers of a part cannot be read', cause);
    }
    if (!hasPart && comeBytes > formPreambleBytes)
      refuse(`no part of the form within ${formPreambleBytes} bytes`);
    if (failure !== undefined) throw failure;
    const come = events;
    events = [];
    return come;
  }

  return {
    push(bytes) {
      comeBytes += bytes.length;
      if (isOver) {
        // What follows the last boundary belongs to nothing.
        epilogueBytes += bytes.length;
        if (epilogueBytes > formPreambleBytes)
          throw new HttpRefusal(400, `more than ${formPreambleBytes} bytes behind the form`);
        return [];
      }
      const piece = held.length === 0 ? bytes : joinPieces([held, bytes]);
      const windowStart = Math.max(0, piece.length - DELIMITER_BYTES);
      const lastLineEnd = piece.subarray(windowStart).lastIndexOf(CARRIAGE_RETURN);
      const end = lastLineEnd < 0 ? piece.length : windowStart + lastLineEnd;
      held = piece.slice(end);
      return parse(piece.subarray(0, end));
    },
    finish() {
      const come = isOver ? [] : parse(held);
      if (!isOver) throw new HttpRefusal(400, 'the form ends early');
      return come;
    },
  };
}

function headersOf({ headers }: PartInfo): FormPartHeaders {
  const one = (name: string) => {
    const value = headers[name] ?? '';
    return typeof value === 'string' ? value : (value[0] ?? '');
  };
  return {
    disposition: one('content-disposition'),
    contentType: one('content-type'),
    contentEncoding: one('content-encoding'),
  };
}

function textOf(error: MultipartError, formParts: number): string {
  switch (error._tag) {
    case 'InvalidBoundary':
      return 'no multipart boundary param in Content-Type';
    case 'BadHeaders':
      return `the headers of a part cannot be read: ${error.error.reason}`;
    case 'InvalidDisposition':
      return 'a part of the form has no name';
    case 'ReachedLimit':
      return `a form of more than ${formParts} parts`;
    case 'EndNotReached':
      return 'the form ends early';
  }
}
