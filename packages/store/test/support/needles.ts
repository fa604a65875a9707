import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { Needle } from '@holdfast/format';
import { isStoreError } from '../../src/errors.js';
import type { Finding } from '../../src/finding.js';
import { nodeStoreEnvironment } from '../../src/node/index.js';
import { verifyFiles } from '../../src/verify.js';
import type { Volume } from '../../src/volume/volume.js';
import type { Fixture, LiveNeedle } from './fixtures.js';

export const env = nodeStoreEnvironment();

export function idOf(needle: { readonly key: string }): bigint {
  return BigInt(`0x${needle.key}`);
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Whether the needle has the content that was uploaded, which the server may have stored as gzip. */
function hasContent(needle: Needle, expected: LiveNeedle): boolean {
  const stored = sha256Hex(needle.data);
  if (expected.storedSha256 !== undefined) return stored === expected.storedSha256;
  const isGzip = needle.data[0] === 0x1f && needle.data[1] === 0x8b;
  return stored === expected.sha256 || (isGzip && sha256Hex(gunzipSync(needle.data)) === expected.sha256);
}

/** Key to `ok`, `other` (content or cookie differ), or the code of the error, for each of `needles`. */
export async function readAll(
  volume: Volume,
  needles: readonly LiveNeedle[],
): Promise<Record<string, string>> {
  const results: Record<string, string> = {};
  for (const expected of needles) {
    try {
      const needle = await volume.readNeedle(idOf(expected));
      const isSame = hasContent(needle, expected);
      const isSameCookie = needle.cookie === Number.parseInt(expected.cookie, 16);
      results[expected.key] = isSame && isSameCookie ? 'ok' : 'other';
    } catch (error) {
      if (!isStoreError(error)) throw error;
      results[expected.key] = error.code;
    }
  }
  return results;
}

export async function verifyAll({ directory, name, manifest }: Fixture): Promise<Finding[]> {
  const options = { directory, name, assumedOffsetWidthBytes: manifest.offsetBytes };
  return collect(verifyFiles(env, options));
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
