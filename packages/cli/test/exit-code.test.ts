import { FollowError } from '@holdfast/follower';
import { LeaderError, RpcError } from '@holdfast/protocol';
import { SeaweedError } from '@holdfast/seaweedfs';
import { StoreError } from '@holdfast/store';
import { expect, test } from 'vitest';
import { combineExitCodes } from '../src/exit-code.js';
import { explainError, formatExplanation } from '../src/explain-error.js';
import { UsageError } from '../src/usage-error.js';

test('many volumes make one code', () => {
  expect(combineExitCodes([])).toBe(0);
  expect(combineExitCodes([0, 0])).toBe(0);
  expect(combineExitCodes([0, 7])).toBe(7);
  expect(combineExitCodes([7, 4, 4])).toBe(4);
  expect(combineExitCodes([4, 6])).toBe(1);
});

test.each([
  [new UsageError('x'), 2],
  [new StoreError('locked', 'x'), 3],
  [new StoreError('directory-served', 'x'), 3],
  [new StoreError('wrong-cluster', 'x'), 3],
  [new SeaweedError('master-unreachable', 'x'), 4],
  [new SeaweedError('not-permitted', 'x'), 4],
  [new LeaderError('unreachable', 'x'), 4],
  [new RpcError('unauthenticated', 'x'), 4],
  [new FollowError('leader-unreachable', 'x'), 4],
  [new StoreError('index-odd-size', 'x'), 5],
  [new FollowError('diverged', 'x'), 5],
  [new StoreError('no-space', 'x'), 6],
  [new StoreError('not-permitted', 'x'), 6],
  [new FollowError('leader-damaged', 'x'), 1],
  [new FollowError('leader-volume-closed', 'x'), 1],
  [new Error('x'), 1],
] as const)('%s ends with %i', (error, code) => {
  expect(explainError(error).exitCode).toBe(code);
});

test('a record that no backup makes anew is not said to be mended by one', () => {
  const advice = (remedy: 'stop' | 'rebuild') =>
    explainError(new StoreError('position-damaged', 'x', { remedy })).advice;
  expect(advice('rebuild')).toContain('holdfast backup');
  expect(advice('stop')).toBe('');
});

test('an explanation is one line', () => {
  expect(formatExplanation(explainError(new StoreError('no-space', 'full\n  very')))).toMatch(
    /^full very: free some space/,
  );
});
