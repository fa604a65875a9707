import { type Flag, type Flags, variableOf } from './flags.js';
import { formatTable } from './output.js';
import type { Verb } from './verb.js';

/** The page of one verb. */
export function verbHelp(verb: Verb, commonFlags: Flags): string {
  const usage = ['holdfast', verb.name, ...verb.positionals, '[flags]'].join(' ');
  const examples = verb.examples.map((example) => `  ${example}`).join('\n');
  return [
    verb.summary,
    '',
    `Usage: ${usage}`,
    '',
    ...(Object.keys(verb.flags).length === 0 ? [] : ['Flags:', flagTable(verb.flags), '']),
    'Flags of every verb:',
    flagTable(commonFlags),
    '',
    `Every flag is also taken from the environment: --log-level from ${variableOf('log-level')}.`,
    ...(verb.examples.length === 0 ? [] : ['', 'Examples:', examples]),
    '',
  ].join('\n');
}

/** The page of the whole command. */
export function commandHelp(verbs: readonly Verb[], version: string): string {
  return [
    `holdfast ${version}: keeps a byte-for-byte copy of SeaweedFS volumes, and proves it`,
    '',
    'Usage: holdfast VERB [flags]',
    '',
    formatTable(verbs.map((verb) => [`  ${verb.name}`, verb.summary])),
    '',
    'holdfast VERB --help says more. New here? Try: holdfast demo',
    '',
    'Exit codes: 0 done and proved; 1 a volume failed; 2 usage, or nothing matched; 3 directory locked or served;',
    '4 leader unreachable; 5 damage or divergence found; 6 local disk; 7 done, but the loss guard tripped.',
    '',
  ].join('\n');
}

function flagTable(flags: Flags): string {
  return formatTable(
    Object.entries(flags).map(([name, flag]) => [
      `  --${name}${flag.kind === 'switch' ? '' : ` ${flag.placeholder}`}${flag.kind === 'list' ? ' …' : ''}`,
      `${flag.help}${suffix(flag)}`,
    ]),
  );
}

function suffix(flag: Flag): string {
  if (flag.kind !== 'option') return '';
  if (flag.isRequired) return ' (required)';
  return flag.fallback === undefined ? '' : ` (default ${flag.fallback})`;
}
