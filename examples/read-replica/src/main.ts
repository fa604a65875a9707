import { parseArgs } from 'node:util';
import { openReadReplica } from './read-replica.js';

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: '127.0.0.1:8080' },
    dir: { type: 'string', default: 'copy' },
    port: { type: 'string', default: '8081' },
  },
});

const replica = await openReadReplica({
  server: values.server,
  directory: values.dir,
  port: Number(values.port),
  onProblem: (error) => console.error(String(error)),
});
console.log(`serving the volumes of ${values.server} at ${replica.url}, read-only`);
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void replica.close());
await replica.following;
