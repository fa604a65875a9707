// Proves that what lies in each src/gen is what its proto/ gives: generates into a temporary folder and compares.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules/.bin');

/** Where messages are described, and where what was generated of them lies. */
const generated = [
  ['proto', 'packages/protocol/src/gen'],
  ['examples/connect-port/proto', 'examples/connect-port/src/gen'],
];

/** Every file under `folder` with its text, by its path inside it. */
function textByPath(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((file) => relative(folder, join(file.parentPath, file.name))).sort();
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

function generate(directory, out) {
  const opt = ['target=ts', 'import_extension=js', 'erasable_syntax=true'];
  const template = {
    version: 'v2',
    inputs: [{ directory }],
    plugins: [{ local: 'protoc-gen-es', out, opt }],
  };
  execFileSync(join(bin, 'buf'), ['generate', '--template', JSON.stringify(template)], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
  });
}

for (const [directory, committed] of generated) {
  const fresh = mkdtempSync(join(tmpdir(), 'holdfast-gen-'));
  try {
    generate(directory, fresh);
    const want = textByPath(fresh);
    const have = textByPath(join(root, committed));
    const stale = [...new Set([...want.keys(), ...have.keys()])].filter(
      (path) => want.get(path) !== have.get(path),
    );
    if (stale.length > 0) {
      console.error(
        `${committed} is not what ${directory} gives: ${stale.join(', ')}. Run: npm run generate`,
      );
      process.exitCode = 1;
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
