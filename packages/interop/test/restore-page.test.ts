import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatFileId } from '@holdfast/format';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PAGE = join(ROOT, 'docs/restore.md');
const VOLUME_ID = 7;
const NEEDLES = 10;

let cluster: WeedCluster;
let leader: WeedVolumeServer;
let outside: string;

beforeAll(async () => {
  cluster = await startWeedCluster();
  leader = cluster.servers[0]!;
  outside = await mkdtemp(join(tmpdir(), 'holdfast-page-'));
});

afterAll(async () => {
  await cluster?.stop();
  await rm(outside, { recursive: true, force: true });
});

const contentOf = (id: bigint): string => `what is in needle ${id}`;

/** The page's blocks of one kind, in order. */
async function blocksOf(kind: string): Promise<readonly string[]> {
  const page = await readFile(PAGE, 'utf8');
  const found = page.matchAll(new RegExp(`^\`\`\`sh ${kind}\n([\\s\\S]*?)^\`\`\`$`, 'gm'));
  return [...found].map(([, block]) => block!);
}

async function runScript(script: string, values: Record<string, string>) {
  const path = `${dirname(cluster.binary)}${delimiter}${process.env.PATH}`;
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: ROOT,
    env: { ...process.env, ...values, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, output };
}

it("the page's own commands bring an emptied volume back into the live cluster", async () => {
  await leader.allocate(VOLUME_ID);
  for (let id = 1n; id <= NEEDLES; id++)
    await leader.put(VOLUME_ID, id, new TextEncoder().encode(contentOf(id)));
  await cluster.waitForVolume(VOLUME_ID);
  const backup = join(outside, 'backup');
  const master = cluster.masterHttpAddress;
  expect((await runHoldfast('backup', '--master', master, '--dir', backup)).exitCode).toBe(0);
  const values = {
    MASTER: master,
    SERVER: leader.httpAddress,
    DATA: leader.dataDirectory,
    BACKUP: backup,
    VOLUME: `${VOLUME_ID}`,
    AS_OF: new Date().toISOString(),
    RESTORED: join(outside, 'restored'),
    ASIDE: join(outside, 'aside'),
    FID: formatFileId({ volumeId: VOLUME_ID, needleId: 3n, cookie: 3 }),
  };
  for (let id = 1n; id <= NEEDLES; id++) await leader.delete(VOLUME_ID, id);
  await leader.vacuum(VOLUME_ID);
  expect((await runHoldfast('backup', '--master', master, '--dir', backup)).exitCode).toBe(7);

  const [declared] = await blocksOf('values');
  expect([...declared!.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name)).toEqual(Object.keys(values));
  const blocks = await blocksOf('restore');
  expect(blocks.length).toBeGreaterThan(7);
  const { exitCode, output } = await runScript(blocks.join('\n'), values);
  expect(exitCode, output).toBe(0);

  for (let id = 1n; id <= NEEDLES; id++) {
    const response = await leader.get(VOLUME_ID, id);
    expect(response.status, `${id}`).toBe(200);
    expect(await response.text(), `${id}`).toBe(contentOf(id));
  }
  expect(await readFile(join(values.RESTORED, 'read-back'), 'utf8')).toBe(contentOf(3n));
  const files = join(values.RESTORED, 'files');
  const [file] = await readdir(files);
  expect(await readFile(join(files, file!), 'utf8')).toBe(contentOf(3n));
  await leader.assertStaysAlive();
});
