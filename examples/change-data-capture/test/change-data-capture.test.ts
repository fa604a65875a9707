import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer, waitUntil } from '@holdfast/interop';
import { afterAll, beforeAll, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '../dist/main.js');
const VOLUME_ID = 7;
/** A dozen starts of a process. */
const TEST_TIMEOUT_MS = 180_000;

let cluster: WeedCluster;
let server: WeedVolumeServer;
let running: ChildProcess | undefined;

beforeAll(async () => {
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  await server.allocate(VOLUME_ID);
});

afterAll(async () => {
  await end('SIGKILL');
  await cluster?.stop();
});

interface Line {
  readonly kind: string;
  readonly id: string;
  readonly cookie: number;
  readonly name?: string;
  readonly mime?: string;
  readonly sha256?: string;
  readonly cursor: string;
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const journalPath = () => join(cluster.directory, 'changes.jsonl');

function start(): void {
  const { httpAddress, grpcAddress } = server;
  const address = `${httpAddress}.${grpcAddress.split(':')[1]}`;
  const directory = join(cluster.directory, 'copy');
  running = spawn(
    process.execPath,
    [MAIN, '--server', address, '--volume', `${VOLUME_ID}`, '--dir', directory, '--out', journalPath()],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
}

async function end(signal: NodeJS.Signals): Promise<number | null> {
  const child = running;
  running = undefined;
  if (child === undefined) return null;
  const exited = child.exitCode === null ? once(child, 'exit') : Promise.resolve([child.exitCode]);
  child.kill(signal);
  return ((await exited) as [number | null])[0];
}

/** The whole lines of the journal. */
async function lines(): Promise<Line[]> {
  const text = await readFile(journalPath(), 'utf8').catch(() => '');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

/** Each change as it is expected in the journal. */
const expected: object[] = [];

async function put(id: number, text: string, contentType = 'application/octet-stream'): Promise<void> {
  const response = await server.put(VOLUME_ID, BigInt(id), Buffer.from(text), { contentType });
  expect(response.ok).toBe(true);
  expected.push({ kind: 'put', id: id.toString(16), cookie: id, sha256: hash(text) });
}

async function remove(id: number): Promise<void> {
  expect((await server.delete(VOLUME_ID, BigInt(id))).ok).toBe(true);
  expected.push({ kind: 'delete', id: id.toString(16), cookie: id });
}

async function putRound(firstId: number): Promise<void> {
  for (let id = firstId; id < firstId + 16; id++) {
    await put(id, `content of ${id}`);
    if (id % 4 === 3) await remove(id - 1);
  }
}

const told = () =>
  waitUntil(`${expected.length} changes`, async () => (await lines()).length >= expected.length);

it(
  'tells every put and delete of a real server once, however often it is killed, and across a vacuum',
  async () => {
    await put(1, 'first', 'text/plain');
    await put(2, 'second');
    start();
    await told();
    expect((await lines())[0]).toMatchObject({ name: '7,0100000001', mime: 'text/plain' });

    // Killed wherever it is, six times, while the server is written.
    for (let round = 0; round < 6; round++) {
      const before = (await lines()).length;
      const writing = putRound(100 + round * 20);
      await waitUntil('something of it', async () => (await lines()).length > before);
      await end('SIGKILL');
      await writing;
      start();
    }
    await put(900, 'told by the last one');
    await told();

    // While nobody looks, a vacuum takes records away: what is told is what came of it, by id.
    expect(await end('SIGTERM')).toBe(0);
    const mark = expected.length;
    await remove(2);
    await put(1, 'first, again');
    await put(999, 'came and went');
    await remove(999);
    expected.splice(mark, 4, ...expected.slice(mark, mark + 2).reverse());
    await server.vacuum(VOLUME_ID);
    start();
    await told();
    await put(1000, 'after the vacuum');
    await told();
    // A vacuum of what was told brings nothing.
    await server.vacuum(VOLUME_ID);
    await put(1001, 'after the second vacuum');
    await told();
    expect(await end('SIGTERM')).toBe(0);

    const all = await lines();
    expect(all).toMatchObject(expected);
    expect(new Set(all.map(({ cursor }) => cursor)).size).toBe(expected.length);
    server.assertAlive();
  },
  TEST_TIMEOUT_MS,
);
