// Runs the code of the pages: TypeScript blocks as modules, the README's walk-through as shell.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { codeBlocks } from './docs-pages.mjs';

/**
 * Type-checks every `ts` block of the pages against the built packages and runs it as a module of its own;
 * `ts no-run` marks those that need a server and are only type-checked. Returns how many ran.
 */
export function runTypeScriptBlocks(root, pages) {
  const folder = join(root, '.cache/snippets');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const blocks = pages.flatMap((page) =>
    codeBlocks(page)
      .filter(({ language }) => language === 'ts')
      .map((block) => ({ ...block, name: `${page.path}:${block.line}` })),
  );
  if (blocks.length === 0) return 0;
  for (const { name, mark, text } of blocks) {
    const file = name.replaceAll(/[^\w]+/g, '-');
    if (mark === 'no-run') writeFileSync(join(folder, `${file}.ts`), `${text}export {};\n`);
    else {
      const wrapped = `${text}\nimport { test } from 'vitest';\ntest(${JSON.stringify(name)}, () => {});\n`;
      writeFileSync(join(folder, `${file}.test.ts`), wrapped);
    }
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.test.json',
      compilerOptions: {
        customConditions: [],
        strict: false,
        exactOptionalPropertyTypes: false,
        noUnusedLocals: false,
        noUnusedParameters: false,
      },
      include: ['.'],
    }),
  );
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    "import shared from '../../vitest.shared.ts';\nexport default { ...shared, test: { ...shared.test, include: ['*.test.ts'] } };\n",
  );
  run(root, 'tsc', ['-p', folder]);
  run(root, 'vitest', ['run', '--root', folder]);
  return blocks.filter(({ mark }) => mark !== 'no-run').length;
}

/**
 * Runs the README's block marked `sh walk-through` with the real SeaweedFS, on free ports and in a temporary folder.
 * What it starts in the background ends with it.
 */
export async function runWalkThrough(root, readme) {
  const [block, ...others] = codeBlocks(readme).filter(({ mark }) => mark === 'walk-through');
  if (block === undefined || others.length > 0)
    throw new Error('README.md: exactly one block is marked walk-through');
  const weed = process.env.HOLDFAST_WEED ?? join(root, '.cache/weed-4.48/bin/weed');
  if (!existsSync(weed))
    throw new Error(`no weed at ${weed}: run the interop tests once, or set HOLDFAST_WEED`);
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-walk-'));
  try {
    const master = await freePort();
    const volume = await freePort();
    const script = block.text
      .replaceAll('9333', String(master))
      .replaceAll('8080', String(volume))
      .replaceAll(/\btry\b/g, folder);
    const path = [join(weed, '..'), join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
    const { status } = spawnSync(
      'bash',
      ['-euo', 'pipefail', '-c', `trap 'kill $(jobs -p); wait' EXIT\n${script}`],
      {
        cwd: root,
        env: { ...process.env, PATH: path },
        stdio: 'inherit',
        timeout: 120_000,
      },
    );
    if (status !== 0) throw new Error(`README.md:${block.line}: the walk-through ended with ${status}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The README's set-up commands; runs the demo as the first of them does, once everything is built. */
export function runDemo(root, readme) {
  const commands = codeBlocks(readme)
    .filter(({ mark }) => mark === 'set-up')
    .map(({ text }) => text.trim());
  const wanted = ['npm ci && npm run build && npx holdfast demo', 'npm ci && npm run build && npm test'];
  if (JSON.stringify(commands) !== JSON.stringify(wanted)) {
    throw new Error(
      `README.md: its set-up commands are ${JSON.stringify(commands)}, not ${JSON.stringify(wanted)}`,
    );
  }
  run(root, 'npx', ['holdfast', 'demo'], 60_000);
}

function run(root, command, args, timeout) {
  const bin = join(root, 'node_modules/.bin', command);
  const { status } = spawnSync(existsSync(bin) ? bin : command, args, {
    cwd: root,
    stdio: 'inherit',
    timeout,
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
}

/** A port that is free together with the one 10,000 above it, where SeaweedFS puts its gRPC. */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
