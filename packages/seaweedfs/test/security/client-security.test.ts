import { expect, test } from 'vitest';
import { clientSecurity } from '../../src/index.js';

test('mutual TLS for gRPC, and HTTPS where it is enabled', () => {
  const parsed = {
    grpc: { ca: '/ca.crt', client: { cert: '/c.crt', key: '/c.key' }, volume: { cert: 'v', key: 'v' } },
    https: { client: { enabled: true, ca: '/h.crt', cert: '', key: '' } },
  };
  expect(clientSecurity(parsed)).toEqual({
    grpc: { caPath: '/ca.crt', certPath: '/c.crt', keyPath: '/c.key' },
    https: { caPath: '/h.crt', certPath: undefined, keyPath: undefined },
  });
});

test('the scaffolded file, all of it empty, is plain text', () => {
  const parsed = {
    grpc: { ca: '', client: { cert: '', key: '' } },
    https: { client: { enabled: false, ca: 'x' } },
  };
  expect(clientSecurity(parsed)).toEqual({ grpc: undefined, https: undefined });
  expect(clientSecurity({})).toEqual({ grpc: undefined, https: undefined });
});

test.each([
  [{ grpc: 'x' }],
  [{ grpc: { ca: 5 } }],
  [{ grpc: { ca: '/ca', client: { cert: '/c.crt' } } }],
  [{ grpc: { client: [] } }],
])('%j is refused', (parsed) => {
  expect(() => clientSecurity(parsed)).toThrow(expect.objectContaining({ code: 'bad-security' }));
});

test('a volume server shows its own certificate to others', () => {
  const parsed = {
    grpc: { ca: '/ca.crt', client: { cert: '/c' }, volume: { cert: '/v.crt', key: '/v.key' } },
  };
  expect(clientSecurity(parsed, { component: 'volume' }).grpc).toEqual({
    caPath: '/ca.crt',
    certPath: '/v.crt',
    keyPath: '/v.key',
  });
});
