import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const MAIN = join(import.meta.dirname, '../dist/main.js');

function sim(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('figures come as JSON, last; all schedules of all workers are in them', () => {
  const { status, stdout } = sim('--schedules', '6', '--seed', '40', '--json');
  const last = JSON.parse(stdout.trim().split('\n').at(-1)!) as { figures: Record<string, number> };
  expect(status).toBe(0);
  expect(last).toMatchObject({ mode: 'safety', seed: 40, failures: [], figures: { schedules: 6 } });
  expect(last.figures.syncs).toBeGreaterThan(6);
});

test('a follower that is broken by a module that workers import first is found', () => {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-sim-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const loader = `export async function load(url, context, next) {
    const loaded = await next(url, context);
    if (!url.endsWith('/generation/tail-file.js')) return loaded;
    return { ...loaded, source: String(loaded.source).replace('syncData: () => file.syncData()', 'syncData: async () => {}') };
  }`;
  const module = join(directory, 'broken.mjs');
  const specifier = `data:text/javascript,${encodeURIComponent(loader)}`;
  writeFileSync(module, `import { register } from 'node:module';\nregister(${JSON.stringify(specifier)});\n`);
  const flags = ['--schedules', '50', '--jobs', '1', '--fail-fast', '--no-keep'];
  const { status, stdout } = sim(...flags, '--worker-import', module);
  expect(status).toBe(1);
  expect(stdout).toContain('durable first');
  expect(stdout).toMatch(/replay {3}npm run sim -- --replay [0-9]+ --mode safety/);
});

test('a module that cannot be imported is no failure of a schedule, and a wrong flag none either', () => {
  expect(sim('--schedules', '2', '--worker-import', '/nowhere.mjs')).toMatchObject({ status: 2 });
  expect(sim('--schedules', 'many')).toMatchObject({ status: 2 });
  expect(sim('--mode', 'careful').stderr).toContain('--mode is safety or liveness');
});
