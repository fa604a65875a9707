import type { LiveSet } from '@holdfast/index';
import { describe, expect, it } from 'vitest';
import { liveDamage } from '../src/live-damage.js';
import { createSyncKit, VOLUME_ID } from './sync-kit.js';

describe('damage on the leader that nobody can meet any more', () => {
  it('is reported while its needle is live, and no longer once that was put anew', async () => {
    const kit = await createSyncKit();
    const volume = kit.server.allocate(VOLUME_ID);
    for (let id = 1n; id <= 5n; id++) volume.put(id, new Uint8Array(100).fill(Number(id)));
    const needle = volume.liveNeedles().find(({ needleId }) => needleId === 3n)!;
    const rotten = volume.dat.slice();
    rotten[needle.offset + 40]! ^= 1;
    volume.load(rotten, volume.idx.slice());
    const damaged = await kit.sync();
    expect(damaged).toMatchObject({ ok: false, code: 'leader-damaged', outcome: 'copied' });
    expect(damaged.error).toContain(`needle 3 at offset ${needle.offset}`);
    expect(await kit.sync()).toMatchObject({ ok: false, code: 'leader-damaged', outcome: 'idle' });
    volume.put(3n, new Uint8Array(100).fill(33));
    expect(await kit.sync({ proveIndex: false })).toMatchObject({ ok: true, outcome: 'appended' });
    await kit.syncAndCompare('mended');
  });
});

describe('the damage that a reader can still meet', () => {
  const entries = [
    { needleId: 3n, offset: 80, sizeBytes: 10 },
    { needleId: 9n, offset: 800, sizeBytes: 10 },
  ];
  const live = { count: entries.length, entryAt: (i: number) => entries[i]! } as LiveSet;
  const at = (needleId: string | null, offset: number) => ({ needleId, offset, reason: 'its CRC is wrong' });

  it('is that of live records, and of regions that no one needle owns', () => {
    const kept = [at('3', 80), at('9', 800), at(null, 160)];
    const gone = [at('3', 40), at('2', 80), at('5', 80), at('10', 800)];
    expect(liveDamage([...gone, ...kept], live)).toEqual(kept);
    expect(liveDamage([...gone, ...kept], { ...live, count: 0 })).toEqual([at(null, 160)]);
  });
});
