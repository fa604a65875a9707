import assert from 'node:assert/strict';
import test from 'node:test';
import { reliabilityPage } from '../lib/reliability-page.mjs';
import { reliabilityParts, resultOf, SIZES } from '../lib/reliability-parts.mjs';

const partNames = reliabilityParts(SIZES.short, '.').map(({ name }) => name);
const notRun = { title: 'a part', status: 'not run', problems: [], figures: {} };

function pageOf(parts) {
  const all = Object.fromEntries(partNames.map((name) => [name, parts[name] ?? notRun]));
  return reliabilityPage({ machine: 'a machine', seconds: 61, parts: all });
}

/** The cells of the row that begins so. */
function rowOf(page, start) {
  const row = page.split('\n').find((line) => line.startsWith(`| ${start} |`));
  return row.slice(2, -2).split(' | ');
}

test('a part that did not run is never a pass', () => {
  const page = pageOf({});
  for (let sentence = 1; sentence <= 12; sentence++) {
    const [, , , howOften, problems, bugs] = rowOf(page, sentence);
    assert.match(howOften, /not run/);
    assert.match(problems, /not run/);
    assert.equal(bugs, 'not run');
  }
});

test('what did not hold stands in the row of its sentence', () => {
  const figures = { schedules: 1000 };
  const safety = { title: 'a', status: 'run', seconds: 1, seed: 1, problems: ['seed 7: identity'], figures };
  const [, , , howOften, problems] = rowOf(pageOf({ safety }), 6);
  assert.match(howOften, /safety: 1,000 schedules/);
  assert.match(problems, /seed 7: identity/);
});

test('a planted bug that was not found is told as such', () => {
  const bug = { name: 'b', mistake: 'm', breaks: 2, schedules: 9, seconds: 1, oracle: null };
  const bugs = [bug, { ...bug, name: 'c', oracle: 'identity' }];
  const planted = {
    title: 'a',
    status: 'run',
    seconds: 1,
    problems: [],
    figures: { planted: 2, found: 1 },
    bugs,
  };
  const page = pageOf({ planted });
  assert.equal(rowOf(page, 2).at(-1), '1 of 2 found');
  assert.deepEqual(rowOf(page, '`b`').slice(-2), ['not found in 9 schedules', '–']);
});

test('the result of a part is the JSON that its output ends with', () => {
  assert.deepEqual(resultOf({}, 'a line\n{"seed":1}\n2 of 2 planted bugs found\n'), { seed: 1 });
  assert.deepEqual(resultOf({}, '{\n  "weed": "4.48"\n}\n'), { weed: '4.48' });
  assert.throws(() => resultOf({}, 'nothing of the kind'));
});

test('kills are counted by the titles of the tests that passed', () => {
  const { read } = reliabilityParts(SIZES.short, '.').find(({ name }) => name === 'kills');
  const test = (status, title) => ({ status, title });
  const assertionResults = [test('passed', '50 backups killed (seed 3)'), test('failed', 'killed 30 times')];
  assert.deepEqual(read({ testResults: [{ assertionResults }] }), {
    problems: ['killed 30 times: failed'],
    figures: { kills: 50 },
  });
});
