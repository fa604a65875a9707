import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../count-tests.mjs', import.meta.url));

test('sums every report; a file that did not load counts as failed', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-count-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ['scripts', '.cache', 'packages/a/.cache', 'packages/b/.cache', 'examples/c/.cache']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const folder of ['packages/a', 'packages/b', 'examples/c'])
    writeFileSync(join(root, folder, 'package.json'), '{}');
  cpSync(script, join(root, 'scripts/count-tests.mjs'));
  cpSync(join(script, '../lib'), join(root, 'scripts/lib'), { recursive: true });
  const report = (passed, failed, pending, testResults) =>
    JSON.stringify({
      numPassedTests: passed,
      numFailedTests: failed,
      numPendingTests: pending,
      numTodoTests: 0,
      testResults,
    });
  writeFileSync(join(root, '.cache/test-report.tap'), '# pass 5\n# fail 1\n# skipped 0\n# todo 0\n');
  writeFileSync(
    join(root, 'packages/a/.cache/test-report.json'),
    report(10, 2, 1, [{ status: 'failed', assertionResults: [{}] }]),
  );
  writeFileSync(join(root, 'packages/a/.cache/check-report.json'), report(3, 0, 0, []));
  writeFileSync(
    join(root, 'packages/b/.cache/test-report.json'),
    report(0, 0, 0, [{ status: 'failed', assertionResults: [] }]),
  );
  writeFileSync(join(root, 'examples/c/.cache/test-report.json'), report(2, 0, 0, []));
  const count = (...args) =>
    execFileSync(process.execPath, [join(root, 'scripts/count-tests.mjs'), ...args], { encoding: 'utf8' });
  assert.equal(count(), '20 passed, 4 failed, 1 skipped\n');
  count('--clear');
  assert.equal(count(), '0 passed, 0 failed\n');
});
