import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openConnectPort } from './connect-port.js';

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: 'volumes' },
    volume: { type: 'string', default: '1' },
    port: { type: 'string', default: '18090' },
  },
});
const volumeId = Number(values.volume);

await mkdir(values.dir, { recursive: true });
const port = await openConnectPort({ directory: values.dir, address: `127.0.0.1:${values.port}` });
if (port.store.find(volumeId) === undefined) await port.store.allocate({ volumeId, collection: '' });
console.log(`listening at ${port.address}`);
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void port.close());
