import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';

const FIXTURES = fileURLToPath(new URL('../../../testkit/fixtures', import.meta.url));

export interface LiveNeedle {
  readonly key: string;
  readonly cookie: string;
  readonly size: number;
  readonly sha256: string;
  readonly name?: string | null;
  readonly mime?: string;
  readonly storedSize?: number;
  readonly storedSha256?: string;
  readonly isCompressed?: boolean;
  readonly lastModified?: number;
  readonly pairs?: Record<string, string>;
}

export interface ManifestRecord {
  readonly offset: number;
  readonly end: number;
  readonly key: string;
  readonly cookie?: string;
  readonly size: number;
  readonly appendAtNs?: string;
  readonly serverMeta?: { readonly cookie: number; readonly append_at_ns: string };
}

export interface Manifest {
  readonly name: string;
  readonly case?: string;
  readonly volumeId: number;
  readonly collection?: string;
  readonly offsetBytes: 4 | 5;
  readonly version?: 1 | 2 | 3;
  readonly live?: readonly LiveNeedle[];
  readonly deleted?: readonly (string | { readonly key: string })[];
  readonly records?: readonly ManifestRecord[];
  readonly unaltered?: {
    readonly datSize: number;
    readonly idxSize: number;
    readonly records: readonly ManifestRecord[];
    readonly live: readonly LiveNeedle[];
    readonly deleted: readonly { readonly key: string; readonly cookie: string }[];
  };
}

export interface Fixture {
  readonly directory: string;
  readonly name: string;
  readonly manifest: Manifest;
}

export function fixtureNames(): string[] {
  return readdirSync(FIXTURES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

export function readManifest(fixture: string): Manifest {
  return JSON.parse(readFileSync(join(FIXTURES, fixture, 'manifest.json'), 'utf8'));
}

export function fixturePath(fixture: string, ...parts: string[]): string {
  return join(FIXTURES, fixture, ...parts);
}

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
  directories.push(directory);
  return directory;
}

/** A copy of a fixture's files that the test may change, removed when it ends. */
export function copyFixture(fixture: string, subdirectory = ''): Fixture {
  const directory = temporaryDirectory();
  cpSync(fixturePath(fixture, subdirectory), directory, { recursive: true });
  const manifest = readManifest(fixture);
  const { collection = '', volumeId } = manifest;
  return { directory, name: collection === '' ? `${volumeId}` : `${collection}_${volumeId}`, manifest };
}

/** Name to content of the files right in a directory. */
export function snapshot(directory: string): Record<string, string> {
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map(({ name }) => [name, readFileSync(join(directory, name), 'latin1')]));
}
