import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { errorPageProblems } from '../lib/docs-errors.mjs';
import { codeBlocks, linkProblems, readPages, sectionProblems } from '../lib/docs-pages.mjs';

function plantedPages(t, files) {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-docs-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const source = "export type FormatErrorCode = 'bad-crc' | 'truncated';\nexport type RpcCode = 'aborted';\n";

test('codes that the page lacks or invents are found', (t) => {
  const page =
    '# Errors\n\n## `FormatErrorCode`\n\n| `bad-crc` | … |\n| `bad-luck` | … |\n\n## `GhostErrorCode`\n\n| `boo` | … |\n';
  const root = plantedPages(t, { 'docs/errors.md': page, 'packages/format/src/errors.ts': source });
  const packages = [{ manifest: {}, sources: [join(root, 'packages/format/src/errors.ts')] }];
  assert.deepEqual(errorPageProblems(root, packages), [
    'docs/errors.md: FormatErrorCode lacks truncated',
    'docs/errors.md: FormatErrorCode has no bad-luck',
    'docs/errors.md: GhostErrorCode is in no public package',
    'docs/errors.md: RpcCode is missing',
  ]);
});

test('links to nowhere are found, outside of code', (t) => {
  const text =
    '# A page\n\n[good](docs/b.md#what-it-is) [gone](docs/c.md) [lost](docs/b.md#nothing) [out](https://a.example/)\n\n```md\n[code](gone.md)\n```\n';
  const root = plantedPages(t, { 'README.md': text, 'docs/b.md': '# B\n\n## What it is\n' });
  assert.deepEqual(linkProblems(root, readPages(root, [])), [
    'README.md: links to docs/c.md, which does not exist',
    'README.md: links to docs/b.md#nothing, which has no such heading',
  ]);
});

test('sections that no page has are found', (t) => {
  const root = plantedPages(t, {
    'docs/format.md': '# Bytes\n\n## 1. Files\n\n## 2. Rules\n\n1. One.\n2. Two.\n\n### 2.9 More\n',
    'docs/protocol.md': '# Calls\n',
    'a.ts': '// format.md §1, format.md §2.2, format.md §2.9, format.md §2.3, protocol.md §1\n',
  });
  assert.deepEqual(sectionProblems(root, [{ sources: [join(root, 'a.ts')], tests: [] }]), [
    'a.ts: names format.md §2.3, which is not there',
    'a.ts: names protocol.md §1, which is not there',
  ]);
});

test('code blocks come with their language, mark and line', () => {
  const text = 'one\n\n```ts no-run\nconst a = 1;\n```\n\n```sh\nls\n```\n';
  assert.deepEqual(codeBlocks({ text }), [
    { language: 'ts', mark: 'no-run', text: 'const a = 1;\n', line: 3 },
    { language: 'sh', mark: '', text: 'ls\n', line: 7 },
  ]);
});
