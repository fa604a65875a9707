import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Authority, createAuthority } from '@holdfast/conformance';
import { volumeServerPb } from '@holdfast/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HoldfastServer, startHoldfastServer } from '../src/holdfast-server.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer, waitUntil } from '../src/index.js';
import { assignFile } from '../src/weed-client.js';

let home: string;
let authority: Authority;
let cluster: WeedCluster;
let real: WeedVolumeServer;
let own: HoldfastServer;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'holdfast-https-'));
  authority = await createAuthority('a cluster');
  const { cert, key } = await authority.issue('volume');
  await writeFile(join(home, 'ca.crt'), authority.ca);
  await writeFile(join(home, 'volume.crt'), cert);
  await writeFile(join(home, 'volume.key'), key);
  const identity = [`cert = "${join(home, 'volume.crt')}"`, `key = "${join(home, 'volume.key')}"`];
  const toml = ['[https.volume]', ...identity]
    .concat('[https.client]', 'enabled = true', ...identity, `ca = "${join(home, 'ca.crt')}"`)
    .join('\n');
  await writeFile(join(home, 'security.toml'), toml);
  cluster = await startWeedCluster({ volumeServers: 1, securityToml: toml });
  real = cluster.servers[0]!;
  own = await startHoldfastServer(cluster, 'own', '--security', join(home, 'security.toml'));
});

afterAll(async () => {
  await own?.stop();
  await cluster?.stop();
  await rm(home, { recursive: true, force: true });
});

async function overHttp1(verb: string, address: string, fid: string, body = ''): Promise<[number, string]> {
  const sent = request(`https://${address}/${fid}`, { method: verb, ca: authority.ca });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  return [answer.statusCode, await text(answer)];
}

/** As the real servers and most clients speak TLS: a connection field in the answer breaks it. */
async function overHttp2(address: string, fid: string): Promise<[number, string]> {
  const session = connect(`https://${address}`, { ca: authority.ca });
  try {
    const stream = session.request({ ':path': `/${fid}` });
    const [headers] = await once(stream, 'response');
    return [Number(headers[':status']), await text(stream)];
  } finally {
    session.close();
  }
}

test('copies that are written and deleted at either server are on both', async () => {
  for (const to of [own, real]) {
    const { fid } = await assignFile(cluster, { replication: '001', collection: 'pair' });
    await cluster.waitForVolume(Number(fid.split(',')[0]), 2);
    expect((await overHttp1('PUT', to.httpAddress, fid, 'by https'))[0]).toBe(201);
    for (const { httpAddress } of [own, real])
      expect(await overHttp1('GET', httpAddress, fid)).toEqual([200, 'by https']);
    expect((await overHttp1('DELETE', to.httpAddress, fid))[0]).toBe(202);
    for (const { httpAddress } of [own, real])
      expect((await overHttp1('GET', httpAddress, fid))[0]).toBe(404);
  }
});

test('what one server has is read through the other', async () => {
  const volumes = [
    { volumeId: 800, at: own, through: () => overHttp2(real.httpAddress, '800,0100c0ffee') },
    { volumeId: 900, at: real, through: () => overHttp1('GET', own.httpAddress, '900,0100c0ffee') },
  ];
  const { allocateVolume } = volumeServerPb.VolumeServer.method;
  for (const { volumeId, at, through } of volumes) {
    await at.unary(allocateVolume, { volumeId, replication: '000', version: 3 });
    await cluster.waitForVolume(volumeId);
    const fid = `${volumeId},0100c0ffee`;
    expect((await overHttp1('PUT', at.httpAddress, fid, 'elsewhere'))[0]).toBe(201);
    // A server may have asked the master for the volume before it was there, and believe it for a while.
    await waitUntil('it is read through the other', async () => {
      const [status, body] = await through();
      return status === 200 && body === 'elsewhere';
    });
  }
});
