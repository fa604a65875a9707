// Looks at each public package as npm would publish it: publint on its files, and whether its types resolve as ES modules.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { readPackages } from './lib/workspace.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const license = readFileSync(join(root, 'LICENSE'), 'utf8');
let problemCount = 0;

for (const { name, folder, manifest } of readPackages(root)) {
  if (manifest.private) continue;
  const problems = [];
  if (!existsSync(join(folder, 'README.md'))) problems.push('has no README.md');
  const copy = join(folder, 'LICENSE');
  if (!existsSync(copy) || readFileSync(copy, 'utf8') !== license)
    problems.push("its LICENSE is not the root's");
  const { messages } = await publint({ pkgDir: folder, strict: true, pack: 'npm' });
  problems.push(...messages.map((message) => formatMessage(message, manifest, { color: false })));
  const types = spawnSync(
    join(root, 'node_modules/.bin/attw'),
    ['--pack', folder, '--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji'],
    { encoding: 'utf8' },
  );
  if (types.status !== 0) problems.push(`its types do not resolve:\n${types.stdout}${types.stderr}`);
  for (const problem of problems) console.error(`${name}: ${problem}`);
  problemCount += problems.length;
  if (problems.length === 0) console.log(`${name}: fit to publish`);
}
process.exitCode = problemCount > 0 ? 1 : 0;
