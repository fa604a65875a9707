import { describe, expect, it } from 'vitest';
import { verifyFiles } from '../src/verify.js';
import { copyFixture, temporaryDirectory } from './support/fixtures.js';
import { collect, env, verifyAll } from './support/needles.js';

describe('verifyFiles', () => {
  it('names needle, offset and what disagrees', async () => {
    const [finding] = await verifyAll(copyFixture('bad-flip-header-key-o5'));
    expect(finding).toMatchObject({
      code: 'entry-mismatch',
      severity: 'damage',
      offset: 3712,
      needleId: 0x29n,
    });
    expect(finding!.message).toBe('the entry says needle 29 of size 118, the record needle 9 of size 118');
  });

  it('says torn of a record whose entry is all that tells of it', async () => {
    const findings = await verifyAll(copyFixture('bad-torn-header-o5'));
    expect(findings.map(({ code, offset, needleId }) => [code, offset, needleId])).toEqual([
      ['entry-past-end', 4104, 0x2bn],
      ['torn-tail', 4104, 0x2bn],
    ]);
  });

  it('takes a lost row for damage, and one that is overwritten anyway for a note', async () => {
    const severities = async (name: string) =>
      (await verifyAll(copyFixture(name))).map((finding) => finding.severity);
    expect(await severities('bad-offset0-head-lost-rows-o5')).toEqual(['damage', 'damage']);
    expect(await severities('bad-offset0-tombstones-head-o5')).toEqual(['note', 'note']);
  });

  it('finds the damage of any one byte of data, header size, CRC or entry', async () => {
    const { directory, name } = copyFixture('churn-o5');
    const dat = await env.disk.open(`${directory}/${name}.dat`, { mode: 'write' });
    const findings = () => collect(verifyFiles(env, { directory, name }));
    expect(await findings()).toEqual([]);
    const records = [{ offset: 8, sizeBytes: new DataView((await dat.readAt(20, 4)).buffer).getInt32(0) }];
    for (const { offset, sizeBytes } of records) {
      // Needle id, size, data size, first byte of the data, CRC.
      for (const place of [4, 15, 19, 20, 16 + sizeBytes]) {
        const [former] = await dat.readAt(offset + place, 1);
        await dat.writeAt(offset + place, Uint8Array.of(former! ^ 0x04));
        const damage = (await findings()).filter((finding) => finding.severity === 'damage');
        expect([place, damage[0]?.offset]).toEqual([place, offset]);
        await dat.writeAt(offset + place, Uint8Array.of(former!));
      }
    }
    expect(await findings()).toEqual([]);
    await dat.close();
  });

  it('stops when it is aborted, and reports a volume without data', async () => {
    const { directory, name } = copyFixture('churn-o5');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(collect(verifyFiles(env, { directory, name, signal }))).rejects.toThrow('enough');
    const findings = await collect(verifyFiles(env, { directory: temporaryDirectory(), name: '9' }));
    expect(findings.map((finding) => finding.code)).toEqual(['data-missing']);
  });
});
