import { describe, expect, it } from 'vitest';
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
