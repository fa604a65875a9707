import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@holdfast/conformance';
import { create, volumeServerPb } from '@holdfast/protocol';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HoldfastServer, startHoldfastServer } from '../src/holdfast-server.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { assignFile } from '../src/weed-client.js';

const { method } = volumeServerPb.VolumeServer;
const SECRET = 'a secret of this cluster';

let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'holdfast-security-'));
});

afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

describe('tokens of a real master, by one security.toml for both', () => {
  let cluster: WeedCluster;
  let own: HoldfastServer;
  let real: WeedVolumeServer;

  beforeAll(async () => {
    const toml = `[jwt.signing]\nkey = "${SECRET}"\nexpires_after_seconds = 60\n`;
    await writeFile(join(home, 'tokens.toml'), toml);
    cluster = await startWeedCluster({ volumeServers: 1, securityToml: toml });
    real = cluster.servers[0]!;
    own = await startHoldfastServer(cluster, 'own', '--security', join(home, 'tokens.toml'));
  });

  afterAll(async () => {
    await own?.stop();
    await cluster?.stop();
  });

  const statusOf = async (url: string, init: RequestInit = {}) => {
    const response = await fetch(url, init);
    return [response.status, await response.text()] as const;
  };

  function made(claims: unknown, alg = 'HS256'): string {
    const base64 = (value: string | Buffer) => Buffer.from(value).toString('base64url');
    const signed = `${base64(JSON.stringify({ alg, typ: 'JWT' }))}.${base64(JSON.stringify(claims))}`;
    if (alg === 'none') return `${signed}.`;
    return `${signed}.${base64(
      createHmac(`sha${alg.slice(2)}`, SECRET)
        .update(signed)
        .digest(),
    )}`;
  }

  test("what the master's token is for is written here, and reaches the real copy, and is deleted on both", async () => {
    for (const to of [own, real]) {
      const { fid, token } = await assignFile(cluster, { replication: '001', collection: 'pair' });
      expect(token).not.toBe('');
      await cluster.waitForVolume(Number(fid.split(',')[0]), 2);
      const authorization = { authorization: `Bearer ${token}` };
      const body = {
        method: 'PUT',
        body: 'with a token',
        headers: { ...authorization, 'content-type': 'image/png' },
      };
      expect((await statusOf(`http://${to.httpAddress}/${fid}`, body))[0]).toBe(201);
      for (const server of [own, real])
        expect(await statusOf(`http://${server.httpAddress}/${fid}`)).toEqual([200, 'with a token']);
      const removal = { method: 'DELETE', headers: authorization };
      // Release 4.48 passes no deletion with a token on to another server by plain HTTP.
      expect((await statusOf(`http://${own.httpAddress}/${fid}`, removal))[0]).toBe(202);
      for (const server of [own, real])
        expect((await statusOf(`http://${server.httpAddress}/${fid}`))[0]).toBe(404);
    }
  });

  test('every token is taken or refused here as the real server does, and nothing refused is written', async () => {
    await own.unary(method.allocateVolume, { volumeId: 800, replication: '000', version: 3 });
    await real.allocate(801);
    const places = [
      { fid: '800,0100c0ffee', url: `http://${own.httpAddress}/800,0100c0ffee` },
      { fid: '801,0100c0ffee', url: `http://${real.httpAddress}/801,0100c0ffee` },
    ];
    const seconds = Math.floor(Date.now() / 1000);
    const tokens: Readonly<Record<string, (fid: string) => string>> = {
      none: () => '',
      garbage: () => 'a.b.c',
      'of another file': () => made({ fid: '3,0100000001' }),
      over: (fid) => made({ fid, exp: seconds - 5 }),
      'not yet': (fid) => made({ fid, nbf: seconds + 600 }),
      'alg none': (fid) => made({ fid }, 'none'),
      'cut short': (fid) => made({ fid }).slice(0, -3),
      HS256: (fid) => made({ fid, exp: seconds + 60 }),
      HS384: (fid) => made({ fid, exp: seconds + 60 }, 'HS384'),
      HS512: (fid) => made({ fid }, 'HS512'),
    };
    for (const [what, token] of Object.entries(tokens)) {
      const answers = await Promise.all(
        places.map(async ({ url, fid }) => {
          const shown = token(fid);
          const init = { method: 'PUT', body: what, headers: { 'content-type': 'image/png' } };
          const [status, text] = await statusOf(shown === '' ? url : `${url}?jwt=${shown}`, init);
          return [status, status === 401 ? text : '', (await statusOf(url))[0]];
        }),
      );
      expect([what, answers[0]]).toEqual([what, answers[1]]);
      expect([what, answers[0]![0]]).toEqual([what, what.startsWith('HS') ? 201 : 401]);
    }
  });
});

describe('mutual TLS', () => {
  test('in a cluster by one security.toml; strangers and those of another name are refused', async () => {
    const authority = await createAuthority('a cluster');
    const lines = ['[grpc]', `ca = "${join(home, 'ca.crt')}"`, '[https.volume]'];
    await writeFile(join(home, 'ca.crt'), authority.ca);
    const keep = async (role: string) => {
      const identity = await authority.issue(role);
      await writeFile(join(home, `${role}.crt`), identity.cert);
      await writeFile(join(home, `${role}.key`), identity.key);
      return [`cert = "${join(home, `${role}.crt`)}"`, `key = "${join(home, `${role}.key`)}"`];
    };
    const volume = await keep('volume');
    for (const role of ['master', 'client']) lines.push(`[grpc.${role}]`, ...(await keep(role)));
    lines.push('[grpc.volume]', ...volume);
    await writeFile(join(home, 'tls.toml'), [...lines, 'allowed_commonNames = "master,client"'].join('\n'));
    const cluster = await startWeedCluster({ volumeServers: 0, securityToml: lines.join('\n') });
    const https = ['--https-cert', join(home, 'volume.crt'), '--https-key', join(home, 'volume.key')];
    const own = await startHoldfastServer(cluster, 'own', '--security', join(home, 'tls.toml'), ...https);
    try {
      // The master has to reach it by gRPC to make a volume.
      await assignFile(cluster);
      const signal = AbortSignal.timeout(20_000);
      const status = async (name: string, by = authority) => {
        const tls = { ca: authority.ca, ...(await by.issue(name)), checkServerName: false };
        const connection = await createGrpcTransport({ tls }).connect(own.grpcAddress, { signal });
        try {
          const request = create(volumeServerPb.VolumeServerStatusRequestSchema);
          return (await connection.unary(method.volumeServerStatus, request, { signal })).version;
        } finally {
          await connection.close();
        }
      };
      expect(await status('client')).toContain('holdfast');
      await expect(status('somebody')).rejects.toMatchObject({ code: 'unauthenticated' });
      await expect(status('client', await createAuthority('another'))).rejects.toMatchObject({
        name: 'RpcError',
      });
      await expect(createGrpcTransport().connect(own.grpcAddress, { signal })).rejects.toMatchObject({
        name: 'RpcError',
      });
      await expect(fetch(`http://${own.httpAddress}/status`)).rejects.toThrow();
    } finally {
      await own.stop();
      await cluster.stop();
    }
  });
});

describe('a white list', () => {
  test('closes the same calls and requests as on the real server, and WriteNeedleBlob too', async () => {
    const cluster = await startWeedCluster({ volumeServers: 1, volumeServerArgs: ['-whiteList=10.0.0.0/8'] });
    const real = cluster.servers[0]!;
    const own = await startHoldfastServer(cluster, 'own', '--white-list', '10.0.0.0/8');
    try {
      const signal = AbortSignal.timeout(20_000);
      const outcomes = async (grpcAddress: string) => {
        const connection = await createGrpcTransport().connect(grpcAddress, { signal });
        const found: Record<string, string> = {};
        for (const call of volumeServerPb.VolumeServer.methods) {
          const request = create(call.input, { volumeId: 77 } as never);
          const run = async () => {
            if (call.methodKind === 'unary') await connection.unary(call as never, request, { signal });
            else for await (const _ of connection.stream(call as never, once(request) as never, { signal }));
          };
          const code = await run().then(
            () => 'ok',
            (error: { readonly code: string }) => error.code,
          );
          found[call.name] = code === 'permission-denied' ? code : 'open';
        }
        await connection.close();
        return found;
      };
      const [here, there] = [await outcomes(own.grpcAddress), await outcomes(real.grpcAddress)];
      expect(here).toEqual({ ...there, WriteNeedleBlob: 'permission-denied' });
      for (const { httpAddress } of [own, real]) {
        for (const [verb, status] of [
          ['GET', 404],
          ['HEAD', 404],
          ['POST', 401],
          ['PUT', 401],
          ['DELETE', 401],
        ] as const) {
          const response = await fetch(`http://${httpAddress}/1,0100000001`, { method: verb });
          expect([httpAddress, verb, response.status]).toEqual([httpAddress, verb, status]);
        }
      }
      real.assertAlive();
    } finally {
      await own.stop();
      await cluster.stop();
    }
  });
});

async function* once<T>(item: T): AsyncGenerator<T, void> {
  yield item;
}

test('bytes that are no HTTP/2 on the gRPC port, and half a preface, harm nobody', async () => {
  const cluster = await startWeedCluster({ volumeServers: 0 });
  const own = await startHoldfastServer(cluster, 'own');
  try {
    const [host, port] = own.grpcAddress.split(':') as [string, string];
    for (const bytes of [
      'GET / HTTP/1.1\r\n\r\n',
      'PRI * HTTP/2',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff',
      '\0'.repeat(5000),
    ]) {
      const socket = connect(Number(port), host);
      socket.on('error', () => {});
      await new Promise((resolve) => socket.write(bytes, 'latin1', resolve));
      socket.destroy();
    }
    expect((await own.unary(method.volumeServerStatus, {})).version).toContain('holdfast');
  } finally {
    expect(await own.stop()).toMatchObject({ exitCode: 0, stderr: '' });
    await cluster.stop();
  }
});
