import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdfastProgram } from '../src/holdfast-command.js';
import { waitUntil, weedBinary } from '../src/index.js';
import { type NetworkNamespace, openNetworkNamespace } from '../src/network-namespace.js';
import { startWeed, type WeedProcess } from '../src/weed-process.js';

const run = promisify(execFile);
const MASTER_PORT = 9333;
const PORT = 8080;
const FILES = 6;

// Release 4.48 takes no volume from a server at a loopback address.
const network: NetworkNamespace | undefined = await openNetworkNamespace(3);
const [masterIp, ownIp, realIp] = network?.addresses ?? [];

let directory: string;
let binary: string;
const started: WeedProcess[] = [];

function start(name: string, ...command: readonly string[]): WeedProcess {
  const [program, ...first] = network!.prefix;
  const process = startWeed(program!, [...first, ...command], join(directory, name));
  started.push(process);
  return process;
}

async function weed(...args: readonly string[]): Promise<string> {
  const [program, ...first] = network!.prefix;
  const options = { cwd: directory, env: { ...process.env, HOME: directory }, timeout: 60_000 };
  return (await run(program!, [...first, binary, ...args], options)).stdout;
}

async function shell(...commands: readonly string[]): Promise<string> {
  const [program, ...first] = network!.prefix;
  const options = { cwd: directory, env: { ...process.env, HOME: directory }, timeout: 60_000 };
  const session = run(program!, [...first, binary, 'shell', `-master=${masterIp}:${MASTER_PORT}`], options);
  session.child.stdin!.end(['lock', ...commands, 'unlock', ''].join('\n'));
  const { stdout, stderr } = await session;
  return stdout + stderr;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-move-'));
  binary = await weedBinary();
  for (const name of ['master', 'own', 'real', 'up', 'down']) await mkdir(join(directory, name));
});

afterAll(async () => {
  for (const process of started.reverse()) await process.stop();
  await network?.remove();
  await rm(directory, { recursive: true, force: true });
});

test.skipIf(network === undefined)(
  'volume.move from here to a real server, and back again (needs the right to make a network namespace)',
  async () => {
    const master = `${masterIp}:${MASTER_PORT}`;
    start(
      'master',
      ...[
        binary,
        'master',
        '-telemetry=false',
        `-ip=${masterIp}`,
        `-port=${MASTER_PORT}`,
        '-mdir=.',
        '-peers=none',
      ],
    );
    const own = start(
      'own',
      ...[process.execPath, holdfastProgram, 'serve', '--json', '--dir', '.', '--ip', ownIp!],
      ...['--port', `${PORT}`, '--master', master, '--min-free', '0'],
    );
    await waitUntil('this server is registered', async () => own.log.includes('"registered"'));

    const files = new Map<string, string>();
    for (let number = 0; number < FILES; number++) {
      const name = `file-${number}.txt`;
      await writeFile(join(directory, 'up', name), `content ${number} `.repeat(300));
      const [{ fid }] = JSON.parse(
        await weed('upload', `-master=${master}`, join(directory, 'up', name)),
      ) as [{ fid: string }];
      files.set(name, fid);
    }
    const real = start(
      'real',
      ...[
        binary,
        'volume',
        `-ip=${realIp}`,
        `-port=${PORT}`,
        '-dir=.',
        `-master=${master}`,
        '-max=100',
        '-preStopSeconds=0',
      ],
    );
    // A server without volumes is not listed, only its room: 8 and 100.
    await waitUntil('the real server is registered', async () =>
      (await shell('volume.list')).includes('/108 '),
    );

    const volumeId = Number([...files.values()][0]!.split(',')[0]);
    const have = async (name: string) =>
      (await readdir(join(directory, name)))
        .filter((file) => file.endsWith('.dat'))
        .map((file) => Number.parseInt(file, 10));
    const downloadAll = async () => {
      for (const [name, fid] of files) {
        await weed('download', `-server=${master}`, `-dir=${join(directory, 'down')}`, fid);
        const [got, expected] = await Promise.all(
          ['down', 'up'].map((where) => readFile(join(directory, where, name), 'utf8')),
        );
        expect([name, got]).toEqual([name, expected]);
        await rm(join(directory, 'down', name));
      }
    };
    const move = async (from: string, to: string) => {
      const told = await shell(
        `volume.move -source ${from}:${PORT} -target ${to}:${PORT} -volumeId ${volumeId}`,
      );
      expect(told).not.toMatch(/error|fail/i);
    };

    await move(ownIp!, realIp!);
    expect(await have('real')).toContain(volumeId);
    expect(await have('own')).not.toContain(volumeId);
    await downloadAll();
    await move(realIp!, ownIp!);
    expect(await have('own')).toContain(volumeId);
    expect(await have('real')).not.toContain(volumeId);
    await downloadAll();
    expect([real.isAlive, own.isAlive]).toEqual([true, true]);
  },
  180_000,
);
