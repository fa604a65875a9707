// docs/reliability.md out of the figures of a run: nothing on the page is written by hand.

/** The sentences of what must always hold; of which parts each is the business, and what they do for it. */
export const SENTENCES = [
  [
    'Identity',
    'Success means that the copy’s bytes are the leader’s, super block included.',
    ['safety', 'liveness', 'fuzz'],
    'every success is compared byte for byte with every state that the leader was in',
  ],
  [
    'Durable first',
    'Nothing is reported before the commit’s order is through.',
    ['safety', 'crash-points'],
    'what is reported is compared with what the platter has at that very moment',
  ],
  [
    'Prefix safety',
    'After a crash the disk holds a former synced state, or one and a suffix that recovery cuts.',
    ['crash-points', 'safety', 'kills'],
    'after each crash what is held must be one state of the leader, cut between two records',
  ],
  [
    'Self-recovery',
    'A plain restart goes on, without an operator.',
    ['crash-points', 'safety', 'kills'],
    'every crash is followed by a plain restart, and many of those by another crash',
  ],
  [
    'Convergence',
    'When faults stop, a sync ends in bounded time, and further ones move nothing.',
    ['liveness', 'safety'],
    'when faults stop, three runs prove every volume and a fourth moves nothing',
  ],
  [
    'No resurrection, no staleness',
    'The live set is the leader’s.',
    ['safety', 'liveness'],
    'what the copy would serve is compared with a table of what was written',
  ],
  [
    'Order-free',
    'Nothing relies on stamps being unique, rising or near the wall clock.',
    ['safety', 'liveness'],
    'clocks of leaders and followers step back and forth, and vacuums keep old stamps',
  ],
  [
    'Bounded',
    'Memory and waits have bounds, whatever a peer sends.',
    ['safety', 'fuzz'],
    'a run that takes four hours of virtual time, an input that takes two minutes, or memory without end is a failure',
  ],
  [
    'Hostile input',
    'Any bytes give a checked result or a typed error.',
    ['fuzz', 'bit-flips'],
    'files, messages and requests are mutated; any other error, or a wrong result, is a failure',
  ],
  [
    'Exclusive',
    'One follower works in a directory.',
    ['safety', 'planted'],
    'a second follower wants the directory of one that is at work, and has to be refused',
  ],
  [
    'Honest',
    'Exit code, log and status agree; a check that could not run does not pass.',
    ['safety', 'liveness', 'planted'],
    'reports are held against what is on the disk',
  ],
  [
    'Gentle',
    'A leader is only read, and never by a call that brings it down.',
    ['safety', 'liveness'],
    'the model of a stock server dies of the calls that the real one dies of; it has to outlive them all',
  ],
];

/** The page for `{machine, seconds, parts}` with `parts` by name: `{status, seconds, seed?, problems, figures, …}`. */
export function reliabilityPage({ machine, seconds, parts }) {
  return `# Reliability

What must always hold, what shows it, and how often it was tried. Written by \`npm run reliability\`, never by hand; a part that did not run
says so and counts for nothing. [What was found and mended](bugs.md) has a page of its own.

On ${machine}, in ${duration(seconds)}.

## The parts

${table(
  ['part', 'what it tried', 'at commit', 'seeds from', 'took', 'what did not hold'],
  Object.entries(parts).map(([, part]) => [
    part.title,
    part.status === 'run' ? triedOf(part.figures) : 'not run',
    part.commit ?? '–',
    part.seed ?? '–',
    part.status === 'run' ? duration(part.seconds) : '–',
    problemsOf(part),
  ]),
)}

## The sentences

${table(
  [
    '',
    'what must always hold',
    'what shows it',
    'how often',
    'what did not hold',
    'planted bugs that break it',
  ],
  SENTENCES.map(([name, text, names, how], i) => [
    i + 1,
    `**${name}.** ${text}`,
    how,
    names.map((part) => `${part}: ${howOften(parts[part])}`).join('; '),
    names.map((part) => problemsOf(parts[part])).every((told) => told === 'nothing')
      ? 'nothing'
      : names.map((part) => `${part}: ${problemsOf(parts[part])}`).join('; '),
    bugsOf(parts.planted, i + 1),
  ]),
)}

## Planted bugs

Mistakes that were put into the sources of one process each, and what found them.

${
  parts.planted.status === 'run'
    ? table(
        ['bug', 'the mistake', 'breaks', 'found after', 'by'],
        parts.planted.bugs.map(({ name, mistake, breaks, schedules, seconds: took, oracle }) => [
          `\`${name}\``,
          mistake,
          breaks,
          oracle === null
            ? `not found in ${schedules} schedules`
            : `${schedules} schedules (${took.toFixed(1)} s)`,
          oracle ?? '–',
        ]),
      )
    : 'Not run.'
}

## The same lives through weed backup

${
  parts['weed-backup'].status === 'run'
    ? `${parts['weed-backup'].weed}.\n\n${table(
        ['life of the leader', 'weed backup', 'holdfast backup'],
        parts['weed-backup'].lives.map(({ life, weedBackup, saidSuccessWrongly, holdfastBackup }) => [
          life,
          `${weedBackup.join(', ')}${saidSuccessWrongly ? ', and said success' : ''}`,
          holdfastBackup.join(', '),
        ]),
      )}`
    : 'Not run.'
}
`;
}

function triedOf(figures) {
  return Object.entries(figures)
    .filter(([name]) => !name.includes(': '))
    .map(([name, count]) => `${count.toLocaleString('en')} ${name}`)
    .join(', ');
}

function howOften({ status, figures }) {
  if (status !== 'run') return 'not run';
  const [name] = ['schedules', 'crashes', 'inputs', 'flips', 'planted', 'kills', 'lives'].filter(
    (each) => each in figures,
  );
  return `${figures[name].toLocaleString('en')} ${name}`;
}

function problemsOf({ status, problems }) {
  if (status !== 'run') return 'not run';
  return problems.length === 0 ? 'nothing' : problems.join('; ');
}

function bugsOf(planted, sentence) {
  if (planted.status !== 'run') return 'not run';
  const bugs = planted.bugs.filter(({ breaks }) => breaks === sentence);
  return `${bugs.filter(({ oracle }) => oracle !== null).length} of ${bugs.length} found`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => `${cell}`.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function duration(seconds) {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
