import { expect, test } from 'vitest';
import { holdfast } from './holdfast.js';

const VERBS = [
  'demo',
  'backup',
  'follow',
  'verify',
  'status',
  'restore',
  'inspect',
  'export',
  'compact',
  'fix',
  'serve',
];

test('every verb has help, and the command lists them', async () => {
  const all = await holdfast(['--help']);
  expect(all.code).toBe(0);
  for (const verb of VERBS) {
    expect(all.stdout).toContain(`  ${verb}`);
    const one = await holdfast([verb, '--help']);
    expect(one).toMatchObject({ code: 0, stderr: '' });
    expect(one.stdout).toContain(`Usage: holdfast ${verb}`);
  }
});

test.each([
  [[]],
  [['frobnicate']],
  [['restore']],
  [['backup']],
  [['backup', '--master', 'x', '--dir', 'y']],
  [['backup', '--master', '127.0.0.1:1', '--dir', 'y', '--max-loss', '2']],
  [['follow', '--master', '127.0.0.1:1', '--dir', 'y', '--interval', '1ms']],
  [['follow', '--master', '127.0.0.1:1', '--dir', 'y', '--prove-every', '1s', '--interval', '5s']],
  [['serve', '--dir', '.', '--read-only', '--master', '127.0.0.1:1']],
  [['serve', '--dir', '.', '--ip', '0.0.0.0', '--master', '127.0.0.1:1']],
  [['serve', '--dir', '.', '--tls-cert', 'x']],
  [['serve', '--dir', '.', '--https-ca', 'x']],
  [['serve', '--dir', '.', '--white-list', 'localhost']],
  [['serve', '--dir', '.', '--allowed-common-names', 'x']],
  [['serve', '--dir', '.', '--security', '/nowhere/security.toml']],
  [['serve', '--dir', '.', '--port', '70000']],
  [['inspect']],
  [['inspect', 'volume.idx']],
  [['demo', 'extra']],
  [['demo', '--log-level', 'loud']],
])('%j ends with 2 and one line', async (args) => {
  const { code, stdout, stderr } = await holdfast(args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^holdfast: [^\n]+\n$/);
});

test('under --json a failure is a summary object, too', async () => {
  const { code, lines, stderr } = await holdfast(['verify', '--dir', '/nowhere/at/all', '--json']);
  expect(code).toBe(2);
  expect(lines).toEqual([expect.objectContaining({ ok: false, code: 'not-found' })]);
  expect(stderr.split('\n')).toHaveLength(2);
});

test('a master that is down ends with 4', async () => {
  const { code, lines } = await holdfast([
    'backup',
    '--master',
    '127.0.0.1:1',
    '--dir',
    '/nowhere',
    '--json',
  ]);
  expect(code).toBe(4);
  expect(lines).toEqual([expect.objectContaining({ ok: false, code: 'master-unreachable' })]);
});
