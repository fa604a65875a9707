import { NO_TTL, parseTtl } from '@holdfast/format';
import { expect, test } from 'vitest';
import { volumeExpiry } from '../../src/index.js';
import { serveStore, temporaryDirectory, text } from '../rig.js';

const MINUTE = 60;

test.each([
  ['', 1e9, 'living'],
  ['10m', 10 * MINUTE, 'living'],
  ['10m', 10 * MINUTE + 1, 'expired'],
  ['10m', 11 * MINUTE, 'expired'],
  ['10m', 11 * MINUTE + 1, 'removable'],
  // Ten minutes at most.
  ['1y', 365 * 24 * 60 * MINUTE + 10 * MINUTE, 'expired'],
  ['1y', 365 * 24 * 60 * MINUTE + 10 * MINUTE + 1, 'removable'],
  // A clock that was set back.
  ['10m', -1e6, 'living'],
])('ttl %j, last written to %d s ago: %s', async (ttl, ageSeconds, expected) => {
  await using directory = await temporaryDirectory();
  await using served = await serveStore(directory.path);
  const volume = await served.store.allocate({
    volumeId: 7,
    collection: '',
    ttl: ttl === '' ? NO_TTL : parseTtl(ttl),
  });
  const at = (seconds: number) => volumeExpiry(volume, volume.status().modifiedAtSeconds + seconds);
  expect(at(ageSeconds)).toBe('living');
  await volume.write({ content: { needleId: 1n, cookie: 5 }, data: text('data') });
  expect(at(ageSeconds)).toBe(expected);
});
