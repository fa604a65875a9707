/** Header fields by their names in lower case. */
export type AnswerHeaders = Record<string, string>;

/** A request that ends with a status: thrown wherever it turns out. */
export class HttpRefusal extends Error {
  override readonly name = 'HttpRefusal';
  readonly status: number;
  readonly headers: AnswerHeaders;

  constructor(status: number, message: string, options: ErrorOptions & { headers?: AnswerHeaders } = {}) {
    super(message, options);
    this.status = status;
    this.headers = options.headers ?? {};
  }
}

const NO_CONTENT = new Set([204, 304]);

/** Says its length, unless the status does. */
export function emptyAnswer(status: number, headers: AnswerHeaders = {}): Response {
  const fields = NO_CONTENT.has(status) ? headers : { ...headers, 'content-length': '0' };
  return new Response(null, { status, headers: fields });
}

export function jsonAnswer(status: number, value: unknown, headers: AnswerHeaders = {}): Response {
  const body = JSON.stringify(value);
  return new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } });
}

/** As SeaweedFS says what is wrong: `{"error":"…"}`. */
export function errorAnswer(status: number, message: string, headers: AnswerHeaders = {}): Response {
  return jsonAnswer(status, { error: message }, headers);
}

export function textAnswer(status: number, text: string, headers: AnswerHeaders = {}): Response {
  return new Response(text, { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } });
}
