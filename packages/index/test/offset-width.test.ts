import { type OffsetWidthBytes, parseVolumeInfo, writeNeedle } from '@holdfast/format';
import { describe, expect, test } from 'vitest';
import { detectOffsetWidth } from '../src/index.js';
import { goldenVolumes, idxBytes, list, sourceOf, volume } from './sources.js';

const detect = (idx: Uint8Array, dat: Uint8Array, vifBytesOffset?: OffsetWidthBytes) =>
  detectOffsetWidth({ idx: sourceOf(idx), dat: sourceOf(dat), vifBytesOffset });

describe.each(goldenVolumes().filter(({ idx }) => idx.length > 0))('$name', ({ idx, dat, width }) => {
  test('is told by its records, whatever the volume info says', async () => {
    for (const said of [undefined, 4, 5] as const) {
      expect(await detect(idx, dat, said)).toEqual({
        offsetWidthBytes: width,
        evidence: 'records',
        volumeInfoDisagrees: said !== undefined && said !== width,
      });
    }
  });
});

test.each(list().filter((name) => name.startsWith('bad-vif-bytesoffset-mismatch')))('%s', async (name) => {
  const { idx, dat, vif, width } = volume(name);
  const said = parseVolumeInfo(new TextDecoder().decode(vif)).offsetWidthBytes;
  expect(await detect(idx, dat, said)).toMatchObject({ offsetWidthBytes: width, volumeInfoDisagrees: true });
});

/** 272 entries: divisible by both lengths. */
function ambiguous(width: OffsetWidthBytes) {
  const record = writeNeedle({ cookie: 1, needleId: 7n, data: Uint8Array.of(1, 2, 3), name: 'n' }, 3);
  const count = width === 4 ? 17 : 16;
  const dat = new Uint8Array(8 + count * record.length);
  const entries = [];
  for (let i = 0; i < count; i++) {
    dat.set(record, 8 + i * record.length);
    entries.push({
      needleId: 7n,
      offset: 8 + i * record.length,
      sizeBytes: new DataView(record.buffer).getInt32(12),
    });
  }
  return { idx: idxBytes(entries, width), dat };
}

describe.each([4, 5] as OffsetWidthBytes[])('a length that fits both, really %i', (width) => {
  const { idx, dat } = ambiguous(width);
  const other = (9 - width) as OffsetWidthBytes;

  test('records decide, also against the volume info', async () => {
    expect(idx.length).toBe(272);
    expect(await detect(idx, dat)).toMatchObject({ offsetWidthBytes: width, evidence: 'records' });
    expect(await detect(idx, dat, other)).toMatchObject({
      offsetWidthBytes: width,
      volumeInfoDisagrees: true,
    });
  });

  test('a few damaged entries do not mislead', async () => {
    const damaged = idx.slice();
    damaged[3]! ^= 1;
    damaged[idx.length - 1]! ^= 1;
    expect(await detect(damaged, dat)).toMatchObject({ offsetWidthBytes: width, evidence: 'records' });
  });

  test('without data the volume info decides, and without that nothing does', async () => {
    const empty = dat.subarray(0, 8);
    expect(await detect(idx, empty, width)).toMatchObject({
      offsetWidthBytes: width,
      evidence: 'volume-info',
    });
    await expect(detect(idx, empty)).rejects.toMatchObject({ code: 'width-undecided' });
  });
});

test('the length alone', async () => {
  expect(await detect(new Uint8Array(16), new Uint8Array(8))).toMatchObject({
    offsetWidthBytes: 4,
    evidence: 'size',
  });
  expect(await detect(new Uint8Array(17), new Uint8Array(8))).toMatchObject({
    offsetWidthBytes: 5,
    evidence: 'size',
  });
  await expect(detect(new Uint8Array(16), new Uint8Array(8), 5)).rejects.toMatchObject({
    code: 'width-disagrees',
  });
  await expect(detect(new Uint8Array(0), new Uint8Array(8))).rejects.toMatchObject({
    code: 'width-undecided',
  });
  expect(await detect(new Uint8Array(0), new Uint8Array(8), 4)).toMatchObject({ evidence: 'volume-info' });
});

test.each(list().filter((name) => name.startsWith('bad-idx-odd-size')))('%s: records tell', async (name) => {
  const { idx, dat, width } = volume(name);
  expect(await detect(idx, dat)).toMatchObject({ offsetWidthBytes: width });
});
