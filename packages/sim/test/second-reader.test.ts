import { createMemoryNetwork } from '@holdfast/protocol';
import { createStockServer } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { isCut, readIndexRows, readLiveNeedles } from '../src/oracles/second-reader.js';

function filledVolume(release: '4.44' | '4.48') {
  const network = createMemoryNetwork({ timers: { sleep: () => new Promise(() => {}) } });
  const server = createStockServer({ network, release });
  const volume = server.allocate(7);
  for (let id = 1n; id <= 6n; id++) volume.put(id, new Uint8Array(Number(id) * 10).fill(Number(id)));
  volume.put(2n, new Uint8Array([1, 2, 3]), { name: 'two.txt', mime: 'text/plain' });
  volume.put(5n, new Uint8Array(0));
  volume.delete(3n);
  return { volume, width: server.offsetWidthBytes };
}

test.each(['4.44', '4.48'] as const)('reads what a server of %s would serve', (release) => {
  const { volume, width } = filledVolume(release);
  const live = readLiveNeedles(volume.dat, volume.idx, width);
  expect([...live.keys()].sort()).toEqual([1n, 2n, 4n, 5n, 6n]);
  expect([...live.get(2n)!.data]).toEqual([1, 2, 3]);
  expect(live.get(5n)!.data.length).toBe(0);
  volume.vacuum();
  expect([...readLiveNeedles(volume.dat, volume.idx, width).keys()]).toEqual([1n, 2n, 4n, 5n, 6n]);
});

test('what a server would not serve as it was written is no needle', () => {
  const { volume, width } = filledVolume('4.48');
  const { dat, idx } = volume;
  const [first] = readIndexRows(idx, width);
  for (const [what, at] of [
    ['its checksum is wrong', first!.offset + 20],
    ['not 1', first!.offset + 11],
    ['is a record of', first!.offset + 15],
  ] as const) {
    const changed = dat.slice();
    changed[at]! ^= 1;
    expect(() => readLiveNeedles(changed, idx, width)).toThrow(what);
  }
  // The last record is a deletion's, which nobody reads.
  expect(() => readLiveNeedles(dat.subarray(0, dat.length - 32), idx, width)).not.toThrow();
  expect(() => readLiveNeedles(dat.subarray(0, dat.length - 40), idx, width)).toThrow('ends behind the data');
  expect(() => readIndexRows(idx.subarray(1), width)).toThrow('no whole rows');
});

test('a cut is one between two records, of both files at once', () => {
  const { volume, width } = filledVolume('4.48');
  const whole = { dat: volume.dat, idx: volume.idx };
  const rows = readIndexRows(whole.idx, width);
  const rowSize = 12 + width;
  for (const [at, row] of rows.entries()) {
    const cut = { dat: whole.dat.subarray(0, row.offset), idx: whole.idx.subarray(0, at * rowSize) };
    expect(isCut(cut, whole, width)).toBe(true);
    const longer = { ...cut, dat: whole.dat.subarray(0, row.offset + 8) };
    expect(isCut(longer, whole, width)).toBe(false);
    const other = { ...cut, dat: cut.dat.slice() };
    other.dat[other.dat.length - 1]! ^= 1;
    expect(isCut(other, whole, width)).toBe(false);
  }
});
