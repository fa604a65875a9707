import { create, type DescFile, toBinary } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import * as pb from './gen/grpc/reflection/v1/reflection_pb.js';
import { grpcStatusOfCode } from './grpc-status.js';
import { createRpcService } from './rpc-routes.js';
import type { RpcService } from './rpc-transport.js';

type Answer = pb.ServerReflectionResponse['messageResponse'];

/** `grpc.reflection.v1` of these services and of itself: what `grpcurl` and its like ask before they call. */
export function createReflectionService(services: readonly RpcService[]): RpcService {
  const described = [...services.map(({ service }) => service), pb.ServerReflection];
  const files = new Map<string, DescFile>();
  for (const { file } of described)
    for (const each of withDependencies(file)) files.set(each.proto.name, each);
  const symbols = new Map<string, DescFile>();
  for (const file of files.values()) for (const symbol of symbolsOf(file)) symbols.set(symbol, file);

  function answer(request: pb.ServerReflectionRequest['messageRequest']): Answer {
    switch (request.case) {
      case 'listServices': {
        const service = described.map(({ typeName: name }) => ({ name }));
        return { case: 'listServicesResponse', value: create(pb.ListServiceResponseSchema, { service }) };
      }
      case 'fileByFilename':
        return fileAnswer(files.get(request.value), request.value);
      case 'fileContainingSymbol':
        return fileAnswer(symbols.get(request.value), request.value);
      default:
        return failure('unimplemented', 'there are no extensions here');
    }
  }

  return createRpcService(pb.ServerReflection, {
    async *serverReflectionInfo(requests) {
      for await (const originalRequest of requests) {
        const messageResponse = answer(originalRequest.messageRequest);
        const { host: validHost } = originalRequest;
        yield create(pb.ServerReflectionResponseSchema, { validHost, originalRequest, messageResponse });
      }
    },
  });
}

function fileAnswer(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return failure('not-found', `${asked} is not here`);
  const fileDescriptorProto = [...withDependencies(file)].map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return {
    case: 'fileDescriptorResponse',
    value: create(pb.FileDescriptorResponseSchema, { fileDescriptorProto }),
  };
}

function failure(code: 'not-found' | 'unimplemented', errorMessage: string): Answer {
  const errorCode = grpcStatusOfCode(code);
  return { case: 'errorResponse', value: create(pb.ErrorResponseSchema, { errorCode, errorMessage }) };
}

/** The file first, then what it needs, each once. */
function withDependencies(file: DescFile, seen = new Set<DescFile>()): Set<DescFile> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const dependency of file.dependencies) withDependencies(dependency, seen);
  return seen;
}

function* symbolsOf(file: DescFile): Generator<string> {
  for (const type of nestedTypes(file)) {
    yield type.typeName;
    if (type.kind !== 'service') continue;
    for (const method of type.methods) yield `${type.typeName}.${method.name}`;
  }
}
