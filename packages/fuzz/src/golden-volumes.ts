import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { OffsetWidthBytes } from '@holdfast/format';

/** From `src` and from `dist` the same folder. */
const FIXTURES = fileURLToPath(new URL('../../testkit/fixtures/', import.meta.url));

/** The files of one volume that a real server wrote, damaged ones included. */
export interface GoldenVolume {
  readonly fixture: string;
  /** Base name of its files. */
  readonly name: string;
  readonly offsetWidthBytes: OffsetWidthBytes;
  /** By extension, without the dot. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const LARGEST_FILE_BYTES = 1 << 16;
const FILES = /^([^.]+)\.(dat|idx|vif|cpd|cpx|cpc)$/;

/** Every fixture with a `.dat`, by name; those with files past 64 KiB are left out. */
export function goldenVolumes(wanted: (fixture: string) => boolean = () => true): GoldenVolume[] {
  return readdirSync(FIXTURES).filter(wanted).sort().flatMap(readVolume);
}

function readVolume(fixture: string): GoldenVolume[] {
  if (!/-o[45]$/.test(fixture)) return [];
  const files = new Map<string, Uint8Array>();
  let name: string | undefined;
  for (const file of readdirSync(`${FIXTURES}${fixture}`)) {
    const match = FILES.exec(file);
    if (match === null) continue;
    const bytes = new Uint8Array(readFileSync(`${FIXTURES}${fixture}/${file}`));
    if (bytes.length > LARGEST_FILE_BYTES) return [];
    name ??= match[1]!;
    files.set(match[2]!, bytes);
  }
  if (name === undefined || !files.has('dat')) return [];
  return [{ fixture, name, offsetWidthBytes: fixture.endsWith('-o4') ? 4 : 5, files }];
}
