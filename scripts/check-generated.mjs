// Proves that packages/protocol/src/gen is what proto/ gives: generates into a temporary folder and compares.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const committed = join(root, 'packages/protocol/src/gen');
const fresh = mkdtempSync(join(tmpdir(), 'holdfast-gen-'));

/** Every file under `folder` with its text, by its path inside it. */
function textByPath(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((file) => relative(folder, join(file.parentPath, file.name))).sort();
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

try {
  const template = {
    version: 'v2',
    plugins: [
      {
        local: 'protoc-gen-es',
        out: fresh,
        opt: ['target=ts', 'import_extension=js', 'erasable_syntax=true'],
      },
    ],
  };
  const bin = join(root, 'node_modules/.bin');
  execFileSync(join(bin, 'buf'), ['generate', '--template', JSON.stringify(template)], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
  });
  const want = textByPath(fresh);
  const have = textByPath(committed);
  const stale = [...new Set([...want.keys(), ...have.keys()])].filter(
    (path) => want.get(path) !== have.get(path),
  );
  if (stale.length > 0) {
    console.error(`Generated code is not what proto/ gives: ${stale.join(', ')}. Run: npm run generate`);
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
