import { parseArgs } from 'node:util';
import { createFastifyApp } from './fastify-app.js';

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: 'volumes' },
    volume: { type: 'string', default: '1' },
    port: { type: 'string', default: '8080' },
    'grpc-port': { type: 'string', default: '18080' },
  },
});
const volumeId = Number(values.volume);
const writeKey = process.env.WRITE_KEY;
if (!writeKey) throw new Error('set WRITE_KEY to what writers have to give as x-api-key');

const grpcAddress = `127.0.0.1:${values['grpc-port']}`;
const { app, store, followers } = await createFastifyApp({ directory: values.dir, grpcAddress, writeKey });
if (store.find(volumeId) === undefined) await store.allocate({ volumeId, collection: '' });
const url = await app.listen({ host: '127.0.0.1', port: Number(values.port) });
console.log(`needles at ${url}, volumes at ${url}/volumes, followers at ${followers.address}`);
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void app.close());
