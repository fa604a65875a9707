import { expect, test } from 'vitest';
import { holdfast } from './holdfast.js';

test('the demo proves equality after each act, ends by itself and says what to try next', async () => {
  const { code, lines, stderr } = await holdfast(['demo', '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const acts = lines.filter(({ event }) => event === 'act');
  expect(acts.map(({ outcome }) => outcome)).toEqual(['copied', 'appended', 'rebased', 'rebased']);
  expect(acts.map(({ revision }) => revision)).toEqual([0, 0, 1, 2]);
  expect(lines.at(-1)).toEqual({ ok: true, sha256: acts.at(-1)!.sha256 });
}, 25_000);
