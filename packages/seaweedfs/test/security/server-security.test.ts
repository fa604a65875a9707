import { expect, test } from 'vitest';
import { serverSecurity } from '../../src/index.js';

const nothing = {
  writeSecret: undefined,
  readSecret: undefined,
  whiteList: [],
  grpc: undefined,
  allowedCommonNames: [],
  allowedWildcardDomain: undefined,
  https: undefined,
};

test('everything that a volume server reads', () => {
  const parsed = {
    jwt: { signing: { key: 'write', expires_after_seconds: 10, read: { key: 'read' } } },
    guard: { white_list: '10.0.0.0/8, 127.0.0.1,' },
    grpc: {
      ca: '/ca.crt',
      allowed_wildcard_domain: '.files.example',
      volume: { cert: '/v.crt', key: '/v.key', allowed_commonNames: 'volume01,volume02' },
    },
    https: { volume: { cert: '/h.crt', key: '/h.key', ca: '/h.ca' } },
  };
  expect(serverSecurity(parsed, {})).toEqual({
    writeSecret: 'write',
    readSecret: 'read',
    whiteList: ['10.0.0.0/8', '127.0.0.1'],
    grpc: { caPath: '/ca.crt', certPath: '/v.crt', keyPath: '/v.key' },
    allowedCommonNames: ['volume01', 'volume02'],
    allowedWildcardDomain: '.files.example',
    https: { caPath: '/h.ca', certPath: '/h.crt', keyPath: '/h.key' },
  });
});

test('variables go before the file, empty ones do not, and they do without one', () => {
  const variables = {
    WEED_JWT_SIGNING_KEY: 'write',
    WEED_JWT_SIGNING_READ_KEY: '',
    WEED_GUARD_WHITE_LIST: '10.0.0.1',
    WEED_GRPC_VOLUME_ALLOWED_COMMONNAMES: 'a',
  };
  expect(serverSecurity(undefined, variables)).toEqual({
    ...nothing,
    writeSecret: 'write',
    whiteList: ['10.0.0.1'],
    allowedCommonNames: ['a'],
  });
  const parsed = { jwt: { signing: { key: 'of the file', read: { key: 'read' } } } };
  expect(serverSecurity(parsed, variables)).toMatchObject({ writeSecret: 'write', readSecret: 'read' });
});

test('the scaffolded file, all of it empty, guards nothing', () => {
  const parsed = {
    jwt: { signing: { key: '', expires_after_seconds: 10, read: { key: '' } } },
    guard: { white_list: '' },
    access: { ui: false },
    grpc: { ca: '', allowed_wildcard_domain: '', volume: { cert: '', key: '', allowed_commonNames: '' } },
    https: { client: { enabled: true, ca: 'x' }, volume: { cert: '', key: '', ca: '' } },
  };
  expect(serverSecurity(parsed, {})).toEqual(nothing);
  expect(serverSecurity({}, {})).toEqual(nothing);
});

test.each([
  [{ jwt: 'x' }],
  [{ jwt: { signing: { key: 5 } } }],
  [{ guard: { white_list: ['10.0.0.1'] } }],
  [{ grpc: { volume: { cert: '/v.crt' } } }],
  [{ grpc: { ca: '/ca.crt' } }],
  [{ https: { volume: { ca: '/ca.crt' } } }],
  [{ https: [] }],
])('%j is refused', (parsed) => {
  expect(() => serverSecurity(parsed, {})).toThrow(expect.objectContaining({ code: 'bad-security' }));
});
