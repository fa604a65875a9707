import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatVolumeName, parseVolumeName } from '../src/index.js';

test.each([
  ['7', '', 7],
  ['my-coll.x_y_12', 'my-coll.x_y', 12],
  ['a_0', 'a', 0],
  ['日本_3', '日本', 3],
])('%s', (baseName, collection, volumeId) => {
  expect(parseVolumeName(baseName)).toEqual({ collection, volumeId });
  expect(formatVolumeName({ collection, volumeId })).toBe(baseName);
});

test.each(['', '_7', '007', 'a_', 'a_07', 'a', '4294967296', '-1', 'vol_dir', `${'x'.repeat(201)}_1`])(
  '%j is no name of a volume',
  (baseName) => {
    expect(() => parseVolumeName(baseName)).toThrow(expect.objectContaining({ code: 'bad-volume-name' }));
  },
);

test.each(['../x', 'a/b', 'a\\b', '..', '.', 'a\0b', 'a\nb', '\ud800'])(
  'collection %j is refused',
  (collection) => {
    expect(() => formatVolumeName({ collection, volumeId: 1 })).toThrow(
      expect.objectContaining({ code: 'bad-volume-name' }),
    );
  },
);

test('a name is one file name and is read back, or is refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(0xffffffff), (collection, volumeId) => {
      let name: string;
      try {
        name = formatVolumeName({ collection, volumeId });
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad-volume-name' });
        return;
      }
      expect(name).not.toMatch(/[/\\\0]/);
      expect(parseVolumeName(name)).toEqual({ collection, volumeId });
    }),
  );
});
