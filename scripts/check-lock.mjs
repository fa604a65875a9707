// Holds package-lock.json to what `npm ci` needs on every machine: no download addresses, and an entry for each optional
// package of other platforms. A registry that lacks those makes `npm install` leave them out, and then `npm ci`
// refuses the file. `--fix` adds what is missing, without digests, which that registry cannot tell.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url));
const lock = JSON.parse(readFileSync(path, 'utf8'));
const { '': rootEntry, ...entries } = lock.packages;

const systems = { darwin: 'darwin', win32: 'win32', windows: 'win32' };
for (const name of ['linux', 'android', 'freebsd', 'openharmony']) systems[name] = name;
const processors = { 64: 'x64', armv7: 'arm' };
for (const name of ['x64', 'arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x']) processors[name] = name;

const missing = Object.entries(entries).flatMap(([place, { optionalDependencies = {}, dev, license }]) =>
  Object.entries(optionalDependencies)
    .filter(([name]) => !isInstalledFor(place, name))
    .map(([name, version]) => [`node_modules/${name}`, entryOf(name, version, { dev, license })]),
);
const addresses = Object.entries(entries).filter(([, { resolved }]) => /^https?:/.test(resolved ?? ''));

if (process.argv.includes('--fix')) {
  for (const [, entry] of addresses) delete entry.resolved;
  const all = [...Object.entries(entries), ...missing].sort(([a], [b]) => a.localeCompare(b, 'en'));
  writeFileSync(
    path,
    `${JSON.stringify({ ...lock, packages: { '': rootEntry, ...Object.fromEntries(all) } }, null, 2)}\n`,
  );
  console.log(`lock: ${missing.length} entries added, ${addresses.length} addresses removed`);
} else {
  for (const [place] of missing) console.error(`package-lock.json: lacks ${place}`);
  for (const [place] of addresses) console.error(`package-lock.json: ${place} has a download address`);
  if (missing.length + addresses.length > 0) {
    console.error('Run: node scripts/check-lock.mjs --fix');
    process.exitCode = 1;
  } else console.log(`lock: ${Object.keys(entries).length} entries, for every platform`);
}

/** Whether a package that lies at `place` finds `name` in a node_modules beside or above it. */
function isInstalledFor(place, name) {
  const folders = place
    .split('/node_modules/')
    .map((_, depth, parts) => parts.slice(0, depth + 1).join('/node_modules/'));
  return [...folders.map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`].some(
    (candidate) => candidate in entries,
  );
}

/** Platform packages carry their platform in the name, as in `binding-linux-arm64-musl`. */
function entryOf(name, version, inherited) {
  const words = name.split(/[/-]/);
  const cpu = words.map((word) => processors[word]).findLast(Boolean);
  const os = words.map((word) => systems[word]).find(Boolean);
  return {
    version,
    ...(cpu && { cpu: [cpu] }),
    ...inherited,
    ...(words.some((word) => word.startsWith('musl')) && { libc: ['musl'] }),
    optional: true,
    ...(os && { os: [os] }),
  };
}
