import { mkdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { servePage } from './serve-page.js';
import { serveVolume } from './serve-volume.js';

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: 'volumes' },
    volume: { type: 'string', default: '1' },
    port: { type: 'string', default: '18090' },
    'page-port': { type: 'string', default: '5180' },
  },
});
const volumeId = Number(values.volume);

await mkdir(values.dir, { recursive: true });
const page = await servePage({ port: Number(values['page-port']) });
const served = await serveVolume({
  directory: values.dir,
  volumeId,
  address: `127.0.0.1:${values.port}`,
  pageOrigin: page.origin,
});
console.log(
  `Open ${page.origin}/?leader=${served.url}&volume=${volumeId} and type: each line becomes a file.`,
);

for await (const line of createInterface({ input: process.stdin })) {
  const needleId = served.volume.status().maxNeedleId + 1n;
  const content = { needleId, cookie: Math.floor(Math.random() * 2 ** 32), name: `line-${needleId}.txt` };
  await served.volume.write({
    content: { ...content, mime: 'text/plain' },
    data: new TextEncoder().encode(line),
  });
}
await served.close();
await page.close();
