// A small sound workspace in a temporary folder, into which a test plants what a check must find.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const table = {
  '@holdfast/format': { layer: 0, mayImport: [], libraries: [] },
  '@holdfast/index': { layer: 1, mayImport: ['@holdfast/format'], libraries: [] },
  '@holdfast/testkit': { private: true },
};

/** `{root, write(path, text), edit(path, change)}`; the folder goes when the test ends. */
export function plantedWorkspace(t) {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-layers-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const write = (path, content) => {
    const full = join(root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
  };
  const manifest = (name, more = {}) => ({
    name,
    version: '0.1.0',
    exports: { '.': './src/index.ts', './node': './src/node/index.ts' },
    ...more,
  });
  write('package.json', { devDependencies: { vitest: '1.0.0', '@holdfast/testkit': '*' } });
  write('tsconfig.json', {
    references: ['format', 'index', 'testkit'].map((name) => ({ path: `packages/${name}` })),
  });
  write('scripts/layers.json', table);

  write('packages/format/package.json', manifest('@holdfast/format'));
  write('packages/format/tsconfig.json', { references: [] });
  write('packages/format/src/index.ts', "export { crc } from './crc.js';\n");
  write('packages/format/src/crc.ts', 'export const crc = 1;\n');
  write('packages/format/src/node/index.ts', "import { hash } from 'node:crypto';\nexport { hash };\n");
  write(
    'packages/format/test/crc.test.ts',
    "import { test } from 'vitest';\nimport { crc } from '../src/crc.js';\ntest(String(crc), () => {});\n",
  );

  write(
    'packages/index/package.json',
    manifest('@holdfast/index', { dependencies: { '@holdfast/format': '0.1.0' } }),
  );
  write('packages/index/tsconfig.json', { references: [{ path: '../format' }] });
  write('packages/index/src/index.ts', "export { crc } from '@holdfast/format';\n");
  write('packages/index/test/walk.test.ts', "import '@holdfast/testkit';\nimport '@holdfast/format/node';\n");

  write(
    'packages/testkit/package.json',
    manifest('@holdfast/testkit', { private: true, dependencies: { '@holdfast/index': '0.1.0' } }),
  );
  write('packages/testkit/tsconfig.json', { references: [{ path: '../index' }] });
  write('packages/testkit/src/index.ts', "export * from '@holdfast/index';\n");
  return { root, write, table: () => structuredClone(table), manifest };
}
