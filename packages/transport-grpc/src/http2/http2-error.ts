/** The error codes of RFC 9113 §7, each at the place of its number. */
const codeNames = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const;

export type Http2Code = (typeof codeNames)[number];

export function numberOfCode(code: Http2Code): number {
  return codeNames.indexOf(code);
}

/** `INTERNAL_ERROR` for a number that has no name, as RFC 9113 §7 allows. */
export function codeOfNumber(number: number): Http2Code {
  return codeNames[number] ?? 'INTERNAL_ERROR';
}

/** What ends a whole connection: a peer that breaks the protocol, or one that says that it goes. */
export class Http2Error extends Error {
  override readonly name = 'Http2Error';
  readonly code: Http2Code;

  constructor(code: Http2Code, message: string) {
    super(message);
    this.code = code;
  }
}
