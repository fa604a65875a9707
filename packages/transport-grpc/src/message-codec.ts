import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { RpcError } from '@holdfast/protocol';

/** As a `Buffer`, which is what grpc-js wants, without a copy. */
export function encodeMessage<D extends DescMessage>(type: D, message: MessageShape<D>): Buffer {
  const bytes = toBinary(type, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Fields of type bytes are views of `encoded`, as plain `Uint8Array`s. Fails with `internal` on other bytes. */
export function decodeMessage<D extends DescMessage>(type: D, encoded: Uint8Array): MessageShape<D> {
  try {
    return fromBinary(type, new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.byteLength));
  } catch (error) {
    throw new RpcError('internal', `not a ${type.typeName}: ${String(error)}`, error);
  }
}
