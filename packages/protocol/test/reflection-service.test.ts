import { create, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import * as pb from '../src/gen/grpc/reflection/v1/reflection_pb.js';
import {
  createMemoryNetwork,
  createReflectionService,
  createRpcService,
  volumeServerPb,
} from '../src/index.js';
import { drain, signal, timers } from './helpers.js';

type Question = pb.ServerReflectionRequest['messageRequest'];

async function ask(...questions: readonly Question[]) {
  const network = createMemoryNetwork({ timers });
  const described = createRpcService(volumeServerPb.VolumeServer, {});
  const listener = await network.serve('server:0', [createReflectionService([described])]);
  const connection = await network.connect(listener.address, { signal });
  async function* requests() {
    for (const messageRequest of questions) {
      yield create(pb.ServerReflectionRequestSchema, { host: 'here', messageRequest });
    }
  }
  const { serverReflectionInfo } = pb.ServerReflection.method;
  const answers = await drain(connection.stream(serverReflectionInfo, requests(), { signal }));
  expect(answers.map(({ validHost }) => validHost)).toEqual(questions.map(() => 'here'));
  return answers.map(({ messageResponse }) => messageResponse);
}

function fileNames(answer: pb.ServerReflectionResponse['messageResponse'] | undefined) {
  if (answer?.case !== 'fileDescriptorResponse') return answer;
  const { fileDescriptorProto } = answer.value;
  return fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
}

test('services, files by name, and the file of a service, a method, a message and an enum', async () => {
  const [list, ...files] = await ask(
    { case: 'listServices', value: '' },
    { case: 'fileByFilename', value: 'seaweedfs/volume_server.proto' },
    ...[
      'volume_server_pb.VolumeServer',
      'volume_server_pb.VolumeServer.CopyFile',
      'volume_server_pb.CopyFileRequest',
      'volume_server_pb.VolumeScrubMode',
    ].map((value) => ({ case: 'fileContainingSymbol', value }) as const),
  );
  expect(list).toMatchObject({
    case: 'listServicesResponse',
    value: {
      service: [{ name: 'volume_server_pb.VolumeServer' }, { name: 'grpc.reflection.v1.ServerReflection' }],
    },
  });
  expect(files).toHaveLength(5);
  for (const file of files) expect(fileNames(file)).toEqual(['seaweedfs/volume_server.proto']);
});

test('what is not here, and what is not asked', async () => {
  const answers = await ask(
    { case: 'fileByFilename', value: '../secret' },
    { case: 'fileContainingSymbol', value: 'volume_server_pb.Nothing' },
    { case: undefined },
  );
  expect(answers).toMatchObject([
    { case: 'errorResponse', value: { errorCode: 5, errorMessage: '../secret is not here' } },
    { case: 'errorResponse', value: { errorCode: 5 } },
    { case: 'errorResponse', value: { errorCode: 12 } },
  ]);
});
