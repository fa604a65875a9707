import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { seedOf } from './seed-of.js';

/** One folder a target, one file an input that failed once. All of them run on every change. */
const CORPUS = fileURLToPath(new URL('../corpus/', import.meta.url));

export interface CorpusInput {
  readonly target: string;
  readonly path: string;
  readonly bytes: Uint8Array;
}

export function readCorpus(): CorpusInput[] {
  const folders = readdirSync(CORPUS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name: target }) =>
    readdirSync(`${CORPUS}${target}`).map((file) => {
      const path = `${CORPUS}${target}/${file}`;
      return { target, path, bytes: new Uint8Array(readFileSync(path)) };
    }),
  );
}

/** Gives the path. */
export function saveToCorpus(target: string, bytes: Uint8Array): string {
  mkdirSync(`${CORPUS}${target}`, { recursive: true });
  const path = `${CORPUS}${target}/${seedOf(bytes).toString(16).padStart(8, '0')}.bin`;
  writeFileSync(path, bytes);
  return path;
}
