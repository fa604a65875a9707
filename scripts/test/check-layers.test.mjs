import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { plantedWorkspace } from './planted-workspace.mjs';

const script = fileURLToPath(new URL('../check-layers.mjs', import.meta.url));

function check(root) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
  return { status, stdout, problems: stderr.split('\n').filter(Boolean).slice(0, -1) };
}

test('a sound workspace passes', (t) => {
  const { root } = plantedWorkspace(t);
  const { status, stdout, problems } = check(root);
  assert.deepEqual(problems, []);
  assert.equal(status, 0);
  assert.match(stdout, /3 packages, 7 files/);
});

/** Adds an example that imports what it is given; the table says of it that it composes. */
function plantExample({ write, table, manifest }, importText, dependencies) {
  write('scripts/layers.json', {
    ...table(),
    '@holdfast/example-walk': { private: true, mayImport: 'all', libraries: 'all' },
  });
  const folders = ['packages/format', 'packages/index', 'packages/testkit', 'examples/walk'];
  write('tsconfig.json', { references: folders.map((path) => ({ path })) });
  write('examples/walk/package.json', manifest('@holdfast/example-walk', { private: true, dependencies }));
  write('examples/walk/tsconfig.json', {
    references: Object.keys(dependencies).map((name) => ({ path: `../../packages/${name.split('/')[1]}` })),
  });
  write('examples/walk/src/main.ts', importText);
}

test('an example may take every public package, and its adapters', (t) => {
  const workspace = plantedWorkspace(t);
  const text = "import '@holdfast/format';\nimport '@holdfast/format/node';\n";
  plantExample(workspace, text, { '@holdfast/format': '0.1.0' });
  const { status, problems } = check(workspace.root);
  assert.deepEqual(problems, []);
  assert.equal(status, 0);
});

test('a library that is an adapter as a whole may take others', (t) => {
  const { root, write, table } = plantedWorkspace(t);
  const rows = table();
  rows['@holdfast/index'].adapter = true;
  write('scripts/layers.json', rows);
  write('packages/index/src/index.ts', "import '@holdfast/format/node';\n");
  const { status, problems } = check(root);
  assert.deepEqual(problems, []);
  assert.equal(status, 0);
});

/** Each: what it is called, what is planted, and the one line that must come of it. */
const plants = [
  [
    'a package that is not in the table',
    ({ write, table }) => {
      const t = table();
      delete t['@holdfast/index'];
      t['@holdfast/testkit'].private = true;
      write('scripts/layers.json', t);
    },
    /layers\.json: @holdfast\/index is not in the table/,
  ],
  [
    'a table row without a package',
    ({ write, table }) =>
      write('scripts/layers.json', {
        ...table(),
        '@holdfast/ghost': { layer: 0, mayImport: [], libraries: [] },
      }),
    /@holdfast\/ghost is in the table but not under packages/,
  ],
  [
    'a table that lets a layer import its own',
    ({ write, table }) => {
      const t = table();
      t['@holdfast/index'].layer = 0;
      write('scripts/layers.json', t);
    },
    /@holdfast\/index \(layer 0\) may import @holdfast\/format \(layer 0\): not below it/,
  ],
  [
    'a dependency that goes up',
    ({ write, manifest }) =>
      write(
        'packages/format/package.json',
        manifest('@holdfast/format', { dependencies: { '@holdfast/index': '0.1.0' } }),
      ),
    /format\/package\.json: depends on @holdfast\/index, which the table does not allow/,
  ],
  [
    'a library that the table does not know',
    ({ write, manifest }) =>
      write(
        'packages/format/package.json',
        manifest('@holdfast/format', { dependencies: { lodash: '4.0.0' } }),
      ),
    /format\/package\.json: depends on lodash, which the table does not allow/,
  ],
  [
    'a public package that depends on a private one',
    ({ write, manifest }) =>
      write(
        'packages/index/package.json',
        manifest('@holdfast/index', {
          dependencies: { '@holdfast/format': '0.1.0', '@holdfast/testkit': '0.1.0' },
        }),
      ),
    /index\/package\.json: depends on @holdfast\/testkit, which the table does not allow/,
  ],
  [
    'an example that imports a private package',
    (workspace) => plantExample(workspace, "import '@holdfast/testkit';\n", { '@holdfast/testkit': '0.1.0' }),
    /main\.ts:1: imports @holdfast\/testkit, which the table of layers does not allow/,
  ],
  [
    'a stale version of a workspace package',
    ({ write, manifest }) =>
      write(
        'packages/index/package.json',
        manifest('@holdfast/index', { dependencies: { '@holdfast/format': '0.0.9' } }),
      ),
    /wants @holdfast\/format 0\.0\.9, the workspace has 0\.1\.0/,
  ],
  [
    'a private package that says it is public',
    ({ write, manifest }) =>
      write(
        'packages/testkit/package.json',
        manifest('@holdfast/testkit', { dependencies: { '@holdfast/index': '0.1.0' } }),
      ),
    /private is false, the table says true/,
  ],
  [
    'a missing build reference',
    ({ write }) => write('packages/index/tsconfig.json', { references: [] }),
    /index\/tsconfig\.json: no reference to @holdfast\/format/,
  ],
  [
    'a build reference too many',
    ({ write }) => write('packages/format/tsconfig.json', { references: [{ path: '../index' }] }),
    /format\/tsconfig\.json: references @holdfast\/index, which package\.json does not depend on/,
  ],
  [
    'a package that the root does not build',
    ({ write }) =>
      write('tsconfig.json', { references: [{ path: 'packages/format' }, { path: 'packages/index' }] }),
    /^tsconfig\.json: no reference to packages\/testkit/,
  ],
  [
    'a type import that goes up',
    ({ write }) =>
      write(
        'packages/format/src/crc.ts',
        "import type { A } from '@holdfast/index';\nexport const crc: A = 1;\n",
      ),
    /format\/src\/crc\.ts:1: imports @holdfast\/index, which the table of layers does not allow/,
  ],
  [
    'an import type expression that goes up',
    ({ write }) =>
      write('packages/format/src/crc.ts', "\nexport const crc: import('@holdfast/index').A = 1;\n"),
    /crc\.ts:2: imports @holdfast\/index/,
  ],
  [
    'a dynamic import that goes up',
    ({ write }) =>
      write('packages/format/src/crc.ts', "export const crc = await import('@holdfast/index');\n"),
    /crc\.ts:1: imports @holdfast\/index/,
  ],
  [
    'a re-export that goes up',
    ({ write }) =>
      write('packages/format/src/crc.ts', "export * from '@holdfast/index';\nexport const crc = 1;\n"),
    /crc\.ts:1: imports @holdfast\/index/,
  ],
  [
    'a dynamic import of who knows what',
    ({ write }) =>
      write('packages/format/src/crc.ts', 'export const crc = (name: string) => import(name);\n'),
    /crc\.ts:1: imports what is not a plain string/,
  ],
  [
    'an undeclared library',
    ({ write }) => write('packages/format/src/crc.ts', "import 'lodash';\nexport const crc = 1;\n"),
    /crc\.ts:1: imports lodash, which is no dependency of @holdfast\/format/,
  ],
  [
    'an adapter taken by a library',
    ({ write }) =>
      write(
        'packages/index/src/index.ts',
        "export { crc } from '@holdfast/format';\nimport '@holdfast/format/node';\n",
      ),
    /index\.ts:2: imports @holdfast\/format\/node: libraries take ports/,
  ],
  [
    'an adapter taken by its own package',
    ({ write }) => write('packages/format/src/crc.ts', "import './node/index.js';\nexport const crc = 1;\n"),
    /crc\.ts:1: imports \.\/node\/index\.js: an adapter of src\/node\/ is only reached/,
  ],
  [
    'a subpath that is not exported',
    ({ write }) =>
      write(
        'packages/index/src/index.ts',
        "export { crc } from '@holdfast/format';\nimport '@holdfast/format/src/crc.js';\n",
      ),
    /@holdfast\/format has no subpath \.\/src\/crc\.js/,
  ],
  [
    'a path into another package',
    ({ write }) =>
      write(
        'packages/index/src/index.ts',
        "export { crc } from '@holdfast/format';\nimport '../../format/src/crc.js';\n",
      ),
    /imports \.\.\/\.\.\/format\/src\/crc\.js, which lies outside of its package/,
  ],
  [
    'a file that does not exist',
    ({ write }) => write('packages/format/src/crc.ts', "import './gone.js';\nexport const crc = 1;\n"),
    /imports \.\/gone\.js, which does not exist/,
  ],
  [
    'a package that imports itself by name',
    ({ write }) => write('packages/format/src/crc.ts', "import '@holdfast/format';\nexport const crc = 1;\n"),
    /imports its own package by name/,
  ],
  [
    'a test with an undeclared library',
    ({ write }) => write('packages/format/test/crc.test.ts', "import 'lodash';\n"),
    /test\/crc\.test\.ts:1: imports lodash, which is no dependency/,
  ],
  [
    'files that import one another in a circle',
    ({ write }) => {
      write('packages/format/src/crc.ts', "import './sum.js';\nexport const crc = 1;\n");
      write('packages/format/src/sum.ts', "import type { crc } from './crc.js';\n");
    },
    /in a circle: packages\/format\/src\/crc\.ts -> packages\/format\/src\/sum\.ts -> packages\/format\/src\/crc\.ts/,
  ],
  [
    'a dependency that nothing imports',
    ({ write }) => {
      write('packages/index/src/index.ts', 'export {};\n');
      write('packages/index/test/walk.test.ts', 'export {};\n');
    },
    /^packages\/index\/package\.json: depends on @holdfast\/format, which none of its files imports/,
  ],
];

for (const [name, plant, expected] of plants) {
  test(`finds ${name}`, (t) => {
    const workspace = plantedWorkspace(t);
    plant(workspace);
    const { status, problems } = check(workspace.root);
    assert.equal(status, 1);
    assert.ok(
      problems.some((line) => expected.test(line)),
      `not among:\n${problems.join('\n')}`,
    );
  });
}
