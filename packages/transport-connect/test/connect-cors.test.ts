import { create, createRpcService, followPb } from '@holdfast/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createConnectTransport } from '../src/index.js';

const PAGE = 'https://page.example';
const PATH = '/holdfast.v1.FollowService/ServerInfo';

async function serve(allowedOrigins?: readonly string[]): Promise<string> {
  const service = createRpcService(followPb.FollowService, {
    serverInfo: async () => create(followPb.ServerInfoResponseSchema, { serverId: 'one' }),
  });
  const transport = createConnectTransport(allowedOrigins === undefined ? {} : { allowedOrigins });
  const listener = await transport.serve('127.0.0.1:0', [service]);
  onTestFinished(() => listener.close());
  return `http://${listener.address}${PATH}`;
}

const ask = (url: string, origin: string) =>
  fetch(url, {
    method: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type,x-grpc-web',
    },
  });

const call = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: '{}' });

describe('pages of other origins', () => {
  it('one that is allowed is told so, and may read what is answered', async () => {
    const url = await serve([PAGE]);
    const asked = await ask(url, PAGE);
    expect(asked.status).toBe(204);
    expect(asked.headers.get('Access-Control-Allow-Origin')).toBe(PAGE);
    expect(asked.headers.get('Access-Control-Allow-Methods')).toContain('POST');
    expect(asked.headers.get('Access-Control-Allow-Headers')?.toLowerCase()).toContain('x-grpc-web');
    const answered = await call(url, { Origin: PAGE });
    expect(await answered.json()).toEqual({ serverId: 'one' });
    expect(answered.headers.get('Access-Control-Allow-Origin')).toBe(PAGE);
    expect(answered.headers.get('Access-Control-Expose-Headers')?.toLowerCase()).toContain('grpc-status');
    expect(answered.headers.get('Vary')).toBe('Origin');
  });

  it('all of them, where all are allowed', async () => {
    const asked = await ask(await serve(['*']), 'http://anywhere.example');
    expect(asked.headers.get('Access-Control-Allow-Origin')).toBe('http://anywhere.example');
  });

  it.each([
    ['not among those allowed', [PAGE]],
    ['where none is', undefined],
  ] as const)('one that is %s is told nothing', async (_where, allowedOrigins) => {
    const url = await serve(allowedOrigins);
    const asked = await ask(url, 'https://other.example');
    expect(asked.ok).toBe(false);
    expect(asked.headers.has('Access-Control-Allow-Origin')).toBe(false);
    const answered = await call(url, { Origin: 'https://other.example' });
    expect(answered.headers.has('Access-Control-Allow-Origin')).toBe(false);
    expect(await (await call(url)).json()).toEqual({ serverId: 'one' });
  });
});
