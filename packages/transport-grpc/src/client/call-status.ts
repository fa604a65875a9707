import { codeOfGrpcStatus, type RpcCode, RpcError } from '@holdfast/protocol';
import type { HeaderFields } from '../http2/header-block.js';
import type { Http2Code } from '../http2/http2-error.js';

/** What the fields that a server has sent say of a failure: those before its messages, and those after them. */
export function failureOfFields(fields: HeaderFields): RpcError | undefined {
  const status = fields.get('grpc-status');
  if (status === '0') return undefined;
  if (status !== undefined) {
    return new RpcError(codeOfGrpcStatus(Number(status)), decodePercents(fields.get('grpc-message') ?? ''));
  }
  const httpStatus = fields.get(':status');
  if (httpStatus === undefined) return new RpcError('internal', 'the answer has no status');
  if (httpStatus !== '200') {
    return new RpcError(codeOfHttpStatus(httpStatus), `HTTP status ${httpStatus} in place of gRPC's`);
  }
  const contentType = fields.get('content-type') ?? 'nothing';
  if (contentType.startsWith('application/grpc')) return undefined;
  return new RpcError('unknown', `the server answers ${contentType}, not gRPC`);
}

/** What gRPC makes of the answer of something that does not speak it, a proxy above all. */
function codeOfHttpStatus(status: string): RpcCode {
  switch (status) {
    case '400':
      return 'internal';
    case '401':
      return 'unauthenticated';
    case '403':
      return 'permission-denied';
    case '404':
      return 'unimplemented';
    case '429':
    case '502':
    case '503':
    case '504':
      return 'unavailable';
    default:
      return 'unknown';
  }
}

/** Of a stream that its server ended without a status. A `CANCEL` was not the caller's: its server is going. */
export function failureOfReset(code: Http2Code): RpcError {
  const message = `the server reset the stream (${code})`;
  switch (code) {
    case 'REFUSED_STREAM':
    case 'CANCEL':
      return new RpcError('unavailable', message);
    case 'ENHANCE_YOUR_CALM':
      return new RpcError('resource-exhausted', message);
    case 'INADEQUATE_SECURITY':
      return new RpcError('permission-denied', message);
    default:
      return new RpcError('internal', message);
  }
}

/** gRPC's texts are UTF-8 in percents. One that is not well-formed is shown as it came. */
function decodePercents(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
