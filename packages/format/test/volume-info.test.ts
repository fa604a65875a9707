import { expect, test } from 'vitest';
import { EMPTY_VOLUME_INFO, parseVolumeInfo, writeVolumeInfo } from '../src/index.js';
import { list, read } from './fixtures.js';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const vifs = list().flatMap((name) =>
  name === 'README.md'
    ? []
    : list(name)
        .filter((file) => file.endsWith('.vif') && !file.startsWith('after-'))
        .map((file) => ({ path: `${name}/${file}`, vif: text(read(`${name}/${file}`)) })),
);

test.each(vifs.filter(({ path }) => !path.startsWith('bad-vif')))('$path', ({ path, vif }) => {
  const info = parseVolumeInfo(vif);
  expect(info.offsetWidthBytes).toBe(/-o4\//.test(path) ? 4 : 5);
  expect(info.version).toBeGreaterThan(0);
  expect(parseVolumeInfo(writeVolumeInfo(info))).toEqual(info);
});

test('the bytes that the server with one space after the colon writes', () => {
  const vif = text(read('mixed-o4/13.vif'));
  expect(vif).toContain('"version": 3');
  expect(writeVolumeInfo(parseVolumeInfo(vif))).toBe(vif);
});

test.each(['o4', 'o5'])('altered ones, %s', (build) => {
  const vif = (name: string) => vifs.find(({ path }) => path.startsWith(`bad-vif-${name}-${build}/`))!.vif;
  const width = build === 'o4' ? 4 : 5;
  expect(parseVolumeInfo(vif('old-style')).offsetWidthBytes).toBe(width);
  expect(parseVolumeInfo(vif('empty'))).toEqual(EMPTY_VOLUME_INFO);
  expect(parseVolumeInfo(vif('readonly'))).toMatchObject({ readOnly: true, readOnlyCanDelete: false });
  expect(parseVolumeInfo(vif('readonly-candelete'))).toMatchObject({
    readOnly: true,
    readOnlyCanDelete: true,
  });
  expect(parseVolumeInfo(vif('replication-override')).replication).not.toBe('');
  expect(parseVolumeInfo(vif('bytesoffset-mismatch')).offsetWidthBytes).toBe(9 - width);
  expect(() => parseVolumeInfo(vif('garbage'))).toThrow(expect.objectContaining({ code: 'bad-volume-info' }));
});

test('old names, proto names, strings for numbers, unknown fields', () => {
  expect(parseVolumeInfo('{"BytesOffset":5,"DestroyTime":"17"}')).toMatchObject({
    offsetWidthBytes: 5,
    expireAtSeconds: 17n,
  });
  expect(
    parseVolumeInfo('{"bytes_offset":"4","dat_file_size":"18446744073709551615","x":[1]}'),
  ).toMatchObject({
    offsetWidthBytes: 4,
    datFileSizeBytes: 18446744073709551615n,
  });
  expect(parseVolumeInfo('{"files":[{"backendType":"s3"}]}').files).toHaveLength(1);
});

test.each([
  '[]',
  'null',
  '{"bytesOffset":6}',
  '{"version":"x"}',
  '{"readOnly":1}',
  '{"files":{}}',
  '{"replication":1}',
])('%s is refused', (json) => {
  expect(() => parseVolumeInfo(json)).toThrow(expect.objectContaining({ code: 'bad-volume-info' }));
});
