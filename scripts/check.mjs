// Everything that must hold beside the tests: `npm run check`. Stops at the first part that fails and names it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** In order of price: what fails cheaply fails first. */
const parts = [
  ['lint', 'biome check .'],
  ['layers', 'node scripts/check-layers.mjs'],
  ['lock file', 'node scripts/check-lock.mjs'],
  ['workflows', 'node scripts/generate-workflows.mjs --check'],
  ['generated code', 'node scripts/check-generated.mjs'],
  ['proto', 'buf lint'],
  ['pages', 'node scripts/check-docs.mjs --quick'],
  ['reliability page', 'node scripts/reliability.mjs --check'],
  ['types of tests', 'tsc -p tsconfig.test.json'],
  ['unused code', 'knip --no-config-hints'],
  ['build', 'npm run build'],
  ['packages', 'node scripts/check-packages.mjs'],
  ['docs', 'node scripts/check-docs.mjs'],
  ['longer runs', 'turbo run check'],
];

const env = {
  ...process.env,
  PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
  TURBO_TELEMETRY_DISABLED: '1',
};
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !parts.some(([part]) => part === name));
if (unknown.length > 0) {
  console.error(
    `check: no part is called ${unknown.join(', ')}; there are: ${parts.map(([part]) => part).join(', ')}`,
  );
  process.exit(2);
}

for (const [part, command] of parts) {
  if (wanted.length > 0 && !wanted.includes(part)) continue;
  console.log(`\n== ${part}: ${command}`);
  const startedAt = performance.now();
  const { status, signal } = spawnSync(command, { cwd: root, env, stdio: 'inherit', shell: true });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (status !== 0) {
    console.error(`\ncheck: ${part} failed after ${seconds} s (${signal ?? `exit ${status}`})`);
    process.exit(1);
  }
  console.log(`== ${part}: good, ${seconds} s`);
}
console.log(`\ncheck: ${wanted.length > 0 ? wanted.join(', ') : 'every part'} good`);
