import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, createAuthority } from '@holdfast/conformance';
import { systemClock, systemTimers } from '@holdfast/format/node';
import type { RpcTlsOptions } from '@holdfast/protocol';
import { createMasterClient, createSeaweedLeader } from '@holdfast/seaweedfs';
import { createNodeFetch } from '@holdfast/seaweedfs/node';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster } from '../src/index.js';
import { createWeedFollower } from '../src/weed-follower.js';

const { signal } = new AbortController();

let home: string;
let authority: Authority;
let tls: RpcTlsOptions;
let cluster: WeedCluster;

/** SeaweedFS certificates need name no host, and its own clients check none (protocol.md §7). */
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'holdfast-tls-'));
  authority = await createAuthority('a cluster');
  const lines = ['[grpc]', `ca = "${join(home, 'ca.crt')}"`];
  await writeFile(join(home, 'ca.crt'), authority.ca);
  for (const role of ['master', 'volume', 'client']) {
    const { cert, key } = await authority.issue(role, { address: false });
    await writeFile(join(home, `${role}.crt`), cert);
    await writeFile(join(home, `${role}.key`), key);
    lines.push(
      `[grpc.${role}]`,
      `cert = "${join(home, `${role}.crt`)}"`,
      `key = "${join(home, `${role}.key`)}"`,
    );
  }
  await writeFile(join(home, 'security.toml'), lines.join('\n'));
  const client = await authority.issue('client', { address: false });
  tls = { ca: authority.ca, ...client, checkServerName: false };
  const transport = createGrpcTransport({ tls });
  cluster = await startWeedCluster({ securityToml: lines.join('\n'), transport });
});

afterAll(async () => {
  await cluster?.stop();
  await rm(home, { recursive: true, force: true });
});

const leaderOver = (transport: ReturnType<typeof createGrpcTransport>) => {
  const { grpcAddress, httpAddress } = cluster.servers[0]!;
  const ports = { timers: systemTimers, clock: systemClock };
  return createSeaweedLeader({ transport, fetch: createNodeFetch(), grpcAddress, httpAddress, ...ports });
};

test('a cluster with mutual TLS is read with the client certificate', async () => {
  const server = cluster.servers[0]!;
  await server.allocate(1);
  await server.put(1, 1n, new Uint8Array(500).fill(7));
  const transport = createGrpcTransport({ tls });
  const session = await leaderOver(transport).openSession(signal);
  const status = await session.volume(1, '').status(signal);
  expect(status.datSizeBytes).toBe((await server.readFile(1, '.dat')).length);
  await session.close();
  const addresses = [cluster.masterAddress];
  const master = createMasterClient({ transport, addresses, timers: systemTimers });
  expect([...(await master.lookup([1], signal)).keys()]).toEqual([1]);
});

test('without the certificate, or with one of another authority, nothing is read', async () => {
  const stranger = await createAuthority('somebody else');
  const strange = await stranger.issue('client');
  const refused: readonly RpcTlsOptions[] = [
    { ca: authority.ca, checkServerName: false },
    { ca: authority.ca, ...strange, checkServerName: false },
    { ...tls, ca: stranger.ca },
  ];
  for (const wrong of refused) {
    const attempt = async () => {
      const session = await leaderOver(createGrpcTransport({ tls: wrong })).openSession(signal);
      await session.volume(1, '').status(signal);
    };
    await expect(attempt()).rejects.toMatchObject({ code: 'not-permitted' });
  }
  const plain = leaderOver(createGrpcTransport())
    .openSession(signal)
    .then((session) => session.volume(1, '').status(signal));
  await expect(plain).rejects.toMatchObject({ name: 'LeaderError' });
  cluster.servers[0]!.assertAlive();
});

test('the command line takes its certificates from flags or from security.toml, and says in one line what is wrong with others', async () => {
  const server = cluster.servers[0]!;
  await server.allocate(2);
  await server.put(2, 1n, new Uint8Array(500).fill(9));
  await cluster.waitForVolume(2);
  const copy = await createWeedFollower(server);
  const backup = (...security: readonly string[]) =>
    runHoldfast(
      ...['backup', '--master', cluster.masterAddress, '--dir', copy.directory, '--volume', '2'],
      ...security,
    );
  const own = ['--tls-cert', join(home, 'client.crt'), '--tls-key', join(home, 'client.key')];
  expect(await backup('--tls-ca', join(home, 'ca.crt'), ...own)).toMatchObject({ exitCode: 0 });
  expect(await copy.differences(2)).toEqual([]);
  expect(await backup('--security', join(home, 'security.toml'))).toMatchObject({ exitCode: 0 });

  await writeFile(join(home, 'stranger.crt'), (await createAuthority('somebody else')).ca);
  for (const wrong of [
    [],
    ['--tls-ca', join(home, 'ca.crt')],
    ['--tls-ca', join(home, 'stranger.crt'), ...own],
  ]) {
    const { exitCode, stderr } = await backup(...wrong);
    expect({ wrong, exitCode }).toEqual({ wrong, exitCode: 4 });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  }
  await copy.remove();
});
