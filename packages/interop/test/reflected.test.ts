import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createConnectTransport } from '@holdfast/transport-connect';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { expect, test } from 'vitest';
import { startHoldfastVolumeServer } from '../src/holdfast-volume-server.js';

const run = promisify(execFile);
const buf = fileURLToPath(new URL('../../../node_modules/.bin/buf', import.meta.url));

test.each([
  ['grpc', () => createGrpcTransport()],
  ['connect', () => createConnectTransport({ protocol: 'grpc' })],
])(
  'a tool that knows nothing of the server learns its calls over %s, and makes them',
  async (_name, create) => {
    const server = await startHoldfastVolumeServer({ transport: create() });
    const url = `http://${server.grpcAddress}`;
    const curl = async (...args: readonly string[]) =>
      (
        await run(buf, ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...args], {
          timeout: 60_000,
        })
      ).stdout;
    try {
      await server.store.allocate({ volumeId: 7, collection: 'pictures' });
      const methods = (await curl('--list-methods', url)).trim().split('\n');
      expect(methods).toContain('volume_server_pb.VolumeServer/VolumeSyncStatus');
      expect(methods).toContain('holdfast.v1.FollowService/VolumeFollow');
      expect(methods).toContain('grpc.health.v1.Health/Check');
      const status = await curl(
        '-d',
        '{"volumeId":7}',
        `${url}/volume_server_pb.VolumeServer/VolumeSyncStatus`,
      );
      expect(JSON.parse(status)).toMatchObject({ volumeId: 7, collection: 'pictures', tailOffset: '8' });
      const health = await curl(
        '-d',
        '{"service":"holdfast.v1.FollowService"}',
        `${url}/grpc.health.v1.Health/Check`,
      );
      expect(JSON.parse(health)).toEqual({ status: 'SERVING' });
      await expect(curl('-d', '{}', `${url}/volume_server_pb.VolumeServer/NoSuchCall`)).rejects.toThrow(
        /NoSuchCall/,
      );
    } finally {
      await server.stop();
    }
  },
);
