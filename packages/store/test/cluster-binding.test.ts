import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { assertNotServed, bindCluster, readClusterBinding } from '../src/cluster-binding.js';
import { temporaryDirectory } from './support/fixtures.js';
import { env } from './support/needles.js';

describe('bindCluster', () => {
  it('binds once and refuses any other cluster', async () => {
    const directory = temporaryDirectory();
    expect(await readClusterBinding(env, directory)).toBeUndefined();
    await bindCluster(env, directory, 'one');
    await bindCluster(env, directory, 'one');
    expect(await readClusterBinding(env, directory)).toBe('one');
    await expect(bindCluster(env, directory, 'two')).rejects.toMatchObject({
      code: 'wrong-cluster',
      expected: 'one',
      found: 'two',
    });
    expect(await readClusterBinding(env, directory)).toBe('one');
  });

  it.each(['', '{', '{}', '[]', 'null', '{"cluster":7}'])(
    'never takes %j for a binding or for none',
    async (content) => {
      const directory = temporaryDirectory();
      mkdirSync(`${directory}/.holdfast`);
      writeFileSync(`${directory}/.holdfast/cluster.json`, content);
      await expect(bindCluster(env, directory, 'one')).rejects.toMatchObject({
        code: 'position-damaged',
        remedy: 'stop',
      });
    },
  );
});

describe('assertNotServed', () => {
  it('refuses a directory in which a volume server has run', async () => {
    const directory = temporaryDirectory();
    await assertNotServed(env, directory);
    writeFileSync(`${directory}/vol_dir.uuid`, 'x');
    await expect(assertNotServed(env, directory)).rejects.toMatchObject({ code: 'directory-served' });
  });
});
