// Sums what test runs left behind: vitest's JSON of each package, and the TAP of the scripts' own tests.
// Prints `N passed, N failed`; a test file that could not even be loaded counts as one failed. --clear forgets them.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFolders } from './lib/workspace.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const reports = [root, ...packageFolders(root)]
  .map((folder) => join(folder, '.cache'))
  .filter((folder) => existsSync(folder))
  .flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /^(test|check)-report\.(json|tap)$/.test(name))
      .map((name) => join(folder, name)),
  );

if (process.argv.includes('--clear')) {
  for (const report of reports) rmSync(report);
} else {
  const sums = { passed: 0, failed: 0, skipped: 0 };
  for (const report of reports) {
    const counts = (report.endsWith('.tap') ? countsOfTap : countsOfVitest)(readFileSync(report, 'utf8'));
    for (const key of Object.keys(sums)) sums[key] += counts[key];
  }
  const skipped = sums.skipped > 0 ? `, ${sums.skipped} skipped` : '';
  console.log(`${sums.passed} passed, ${sums.failed} failed${skipped}`);
}

function countsOfVitest(text) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(text);
  const unloadable = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  return {
    passed: numPassedTests,
    failed: numFailedTests + unloadable.length,
    skipped: numPendingTests + numTodoTests,
  };
}

function countsOfTap(text) {
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  return { passed: count('pass'), failed: count('fail'), skipped: count('skipped') + count('todo') };
}
