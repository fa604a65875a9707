import { expect, test } from 'vitest';
import { locationAddress, parseServerAddress } from '../src/index.js';

test.each([
  ['127.0.0.1:8280', '127.0.0.1:8280', '127.0.0.1:18280'],
  ['127.0.0.1:9533.19533', '127.0.0.1:9533', '127.0.0.1:19533'],
  ['master.example:9333.7', 'master.example:9333', 'master.example:7'],
  ['[::1]:9333.19334', '[::1]:9333', '[::1]:19334'],
])('%s', (text, httpAddress, grpcAddress) => {
  expect(parseServerAddress(text)).toEqual({ httpAddress, grpcAddress });
});

test.each([
  '',
  'host',
  'host:',
  'host:x',
  ':9333',
  'host:0',
  'host:60000',
  'host:65536.1',
  'http://host:1',
  'a b:1',
  '::1:9333',
])('"%s" is no address', (text) => {
  expect(() => parseServerAddress(text)).toThrow(expect.objectContaining({ code: 'bad-address' }));
});

test('a location has its gRPC port beside it, or 10000 above', () => {
  expect(locationAddress('host:8080', 0)).toEqual({ httpAddress: 'host:8080', grpcAddress: 'host:18080' });
  expect(locationAddress('host:8080', 9)).toEqual({ httpAddress: 'host:8080', grpcAddress: 'host:9' });
  expect(locationAddress('host:60000', 9)).toEqual({ httpAddress: 'host:60000', grpcAddress: 'host:9' });
});

test.each([
  ['host', 0],
  ['host:60000', 0],
  ['host:8080', 70_000],
  ['a b:1', 9],
])(
  'a location %j with gRPC port %i is a bad answer, and nothing that a user has written',
  (url, grpcPort) => {
    expect(() => locationAddress(url, grpcPort)).toThrow(expect.objectContaining({ code: 'bad-answer' }));
  },
);
