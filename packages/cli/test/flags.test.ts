import { expect, test } from 'vitest';
import { address, durationMs, fraction, integer, sizeBytes } from '../src/flag-values.js';
import { parseFlags } from '../src/flags.js';
import { UsageError } from '../src/usage-error.js';
import { isSelected, parseVolumeRanges } from '../src/volume-selection.js';

const flags = {
  name: { kind: 'option', placeholder: 'TEXT', help: '', parse: (text: string) => text },
  count: { kind: 'option', placeholder: 'N', help: '', parse: integer(1, 9), fallback: '3' },
  volume: { kind: 'list', placeholder: 'N', help: '', parse: parseVolumeRanges },
  'dry-run': { kind: 'switch', help: '' },
} as const;

const parse = (args: string[], variables: Record<string, string> = {}) =>
  parseFlags(flags, args, variables).values;

test('the command line goes before the variable, the variable before the default', () => {
  expect(parse([])).toEqual({ name: undefined, count: 3, volume: [], 'dry-run': false });
  const variables = { HOLDFAST_COUNT: '5', HOLDFAST_DRY_RUN: 'true', HOLDFAST_VOLUME: '1,3-4' };
  expect(parse([], variables)).toMatchObject({
    count: 5,
    'dry-run': true,
    volume: [
      { first: 1, last: 1 },
      { first: 3, last: 4 },
    ],
  });
  expect(parse(['--count', '7', '--volume=9'], variables)).toMatchObject({
    count: 7,
    volume: [{ first: 9, last: 9 }],
  });
});

test.each([
  [['--nope'], /unknown flag --nope/],
  [['-n', 'x'], /unknown flag -n/],
  [['--constructor'], /unknown flag --constructor/],
  [['--no-dry-run'], /unknown flag --no-dry-run/],
  [['--name'], /--name needs a value: --name TEXT/],
  [['--name', '--dry-run'], /--name needs a value/],
  [['--dry-run=yes'], /takes no value/],
  [['--count', '0'], /--count '0' is not possible: write a whole number from 1 to 9/],
])('%j is refused and says what to write', (args, message) => {
  expect(() => parse(args)).toThrow(UsageError);
  expect(() => parse(args)).toThrow(message);
});

test('a wrong variable is named', () => {
  expect(() => parse([], { HOLDFAST_COUNT: 'many' })).toThrow(/HOLDFAST_COUNT 'many' is not possible/);
});

test('values have their units and their limits', () => {
  expect([durationMs(0)('500ms'), durationMs(0)('1.5h'), durationMs(0)('3d')]).toEqual([
    500, 5_400_000, 259_200_000,
  ]);
  expect([sizeBytes(0)('4096'), sizeBytes(0)('500MB'), sizeBytes(0)('1.5GiB')]).toEqual([
    4096,
    5e8,
    1.5 * 2 ** 30,
  ]);
  expect([fraction('20%'), fraction('0.2'), fraction('0')]).toEqual([0.2, 0.2, 0]);
  for (const wrong of ['1', '1w', '-1s', '']) expect(() => durationMs(0)(wrong), wrong).toThrow(UsageError);
  for (const wrong of ['x', '-1', '1PB']) expect(() => sizeBytes(0)(wrong), wrong).toThrow(UsageError);
  for (const wrong of ['101%', '-1', 'x']) expect(() => fraction(wrong), wrong).toThrow(UsageError);
  expect(() => durationMs(1000)('10ms')).toThrow(/from 1s/);
});

test('an address is host and port', () => {
  for (const good of ['127.0.0.1:9333', 'host:1.10001', '[::1]:9333']) expect(address(good)).toBe(good);
  for (const wrong of ['host', 'host:0', 'host:70000', 'http://host:1', ':1']) {
    expect(() => address(wrong), wrong).toThrow(UsageError);
  }
});

test('a selection takes ids, ranges, exclusions and a collection together', () => {
  const selection = {
    volumes: parseVolumeRanges('3,7-12'),
    exclude: parseVolumeRanges('9'),
    collection: undefined,
  };
  const ids = Array.from({ length: 15 }, (_, id) => id);
  expect(ids.filter((id) => isSelected(selection, id, 'any'))).toEqual([3, 7, 8, 10, 11, 12]);
  expect(isSelected({ ...selection, collection: '' }, 3, 'any')).toBe(false);
  for (const wrong of ['0', '5-3', 'x', '', '1,,2'])
    expect(() => parseVolumeRanges(wrong), wrong).toThrow(UsageError);
});
