import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** What each planted file says, and what the lint must say of it. */
const forbidden = {
  'import-fs': ["import { open } from 'node:fs';\nexport const one = open;\n", /through ports/],
  'import-type': [
    "import type { Stats } from 'node:fs/promises';\nexport type One = Stats;\n",
    /through ports/,
  ],
  'import-bare': ["import { open } from 'fs';\nexport const one = open;\n", /node: protocol/],
  'import-dynamic': ["export const one = await import('node:os');\n", /through ports/],
  'export-from': ["export { randomUUID } from 'node:crypto';\n", /through ports/],
  'date-now': ['export const one = Date.now();\n', /variable Date/],
  'new-date': ['export const one = new Date();\n', /variable Date/],
  performance: ['export const one = performance.now();\n', /variable performance/],
  'set-timeout': ['setTimeout(() => {}, 1);\n', /variable setTimeout/],
  'set-interval': ['setInterval(() => {}, 1);\n', /variable setInterval/],
  'set-immediate': ['setImmediate(() => {});\n', /variable setImmediate/],
  'abort-timeout': ['export const one = AbortSignal.timeout(1);\n', /Timers port/],
  'math-random': ['export const one = Math.random();\n', /Random port/],
  'math-computed': ["const key = 'random';\nexport const one = Math[key]();\n", /Random port/],
  'math-taken-apart': ['const { random } = Math;\nexport { random };\n', /Random port/],
  crypto: ['export const one = crypto.randomUUID();\n', /variable crypto/],
  'global-this': ['export const one = globalThis.fetch;\n', /surroundings/],
  fetch: ["export const one = fetch('http://127.0.0.1');\n", /variable fetch/],
  process: ['export const one = process.env;\n', /variable process/],
  console: ['console.log(1);\n', /variable console/],
  buffer: ['export const one = Buffer.alloc(1);\n', /variable Buffer/],
};

/** What a library may well write. */
const allowed = {
  'port-members':
    'export const one = (clock: { now(): bigint }, http: { fetch(): void }) => [clock.now(), http.fetch()];\n',
  'plain-math': 'export const one = Math.floor(1.5);\n',
  'bytes-and-signals': 'export const one = [new Uint8Array(1), new AbortController(), new TextEncoder()];\n',
};

test('the lint keeps clocks, timers, randomness, disk and network out of the libraries', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-seams-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const path of ['biome.json', '.gitignore', 'scripts/seams.grit'])
    cpSync(join(repository, path), join(root, path));
  const plant = (path, text) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const libraries = ['format', 'protocol', 'index', 'store', 'seaweedfs', 'follower', 'leader'];
  for (const [name, [text]] of Object.entries(forbidden)) {
    plant(`packages/format/src/deep/${name}.ts`, text);
    plant(`packages/transport-grpc/src/${name}.ts`, text);
  }
  for (const [name, text] of Object.entries(allowed)) plant(`packages/format/src/allowed-${name}.ts`, text);
  for (const library of libraries) {
    plant(`packages/${library}/src/clock.ts`, forbidden['date-now'][0]);
    plant(`packages/${library}/src/node/clock.ts`, forbidden['date-now'][0]);
  }

  const { stdout } = spawnSync(
    process.execPath,
    [
      join(repository, 'node_modules/@biomejs/biome/bin/biome'),
      'lint',
      '--reporter=json',
      '--max-diagnostics=none',
      '--diagnostic-level=error',
      '.',
    ],
    { cwd: root, encoding: 'utf8' },
  );
  const said = new Map();
  for (const { location, message } of JSON.parse(stdout).diagnostics) {
    const path = location.path.file ?? location.path;
    said.set(
      path,
      `${said.get(path) ?? ''}${typeof message === 'string' ? message : JSON.stringify(message)}\n`,
    );
  }

  for (const [name, [, expected]] of Object.entries(forbidden)) {
    assert.match(said.get(`packages/format/src/deep/${name}.ts`) ?? 'nothing', expected, name);
    if (name !== 'import-bare')
      assert.equal(said.get(`packages/transport-grpc/src/${name}.ts`), undefined, name);
  }
  for (const name of Object.keys(allowed))
    assert.equal(said.get(`packages/format/src/allowed-${name}.ts`), undefined, name);
  for (const library of libraries) {
    assert.match(said.get(`packages/${library}/src/clock.ts`) ?? 'nothing', /variable Date/, library);
    assert.equal(said.get(`packages/${library}/src/node/clock.ts`), undefined, library);
  }
});
