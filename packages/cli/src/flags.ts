import { parseArgs } from 'node:util';
import { UsageError } from './usage-error.js';

interface FlagText {
  /** One line for `--help`. */
  readonly help: string;
}

/** A flag with a value. Given twice, the last one counts. */
export interface OptionFlag<T> extends FlagText {
  readonly kind: 'option';
  /** What stands for the value in `--help`. */
  readonly placeholder: string;
  /** Throws `UsageError` with what to write instead. */
  readonly parse: (text: string) => T;
  /** The default as text, parsed like any other; absent: the flag has none. */
  readonly fallback?: string;
  readonly isRequired?: boolean;
}

/** A flag that may be given many times; in its variable the values are parted by commas. */
export interface ListFlag<T> extends FlagText {
  readonly kind: 'list';
  readonly placeholder: string;
  readonly parse: (text: string) => readonly T[];
}

/** A flag without a value. */
export interface SwitchFlag extends FlagText {
  readonly kind: 'switch';
}

// biome-ignore lint/suspicious/noExplicitAny: any value type; FlagValues gives it back
export type Flag = OptionFlag<any> | ListFlag<any> | SwitchFlag;
export type Flags = Readonly<Record<string, Flag>>;

type FlagValue<F> =
  F extends ListFlag<infer T>
    ? readonly T[]
    : F extends SwitchFlag
      ? boolean
      : F extends OptionFlag<infer T>
        ? F extends { readonly fallback: string } | { readonly isRequired: true }
          ? T
          : T | undefined
        : never;

/** What the flags of a verb parse to, under the same names. */
export type FlagValues<F extends Flags> = { readonly [K in keyof F]: FlagValue<F[K]> };

/** The variable that a flag is also taken from: `keep-for` is `HOLDFAST_KEEP_FOR`. */
export function variableOf(name: string): string {
  return `HOLDFAST_${name.toUpperCase().replaceAll('-', '_')}`;
}

export interface ParsedCommandLine<F extends Flags> {
  readonly values: FlagValues<F>;
  readonly positionals: readonly string[];
}

/**
 * Parses what follows the verb. The command line goes before the variable, the variable before the default. Fails
 * with `UsageError` on an unknown flag, a missing one and on every value that its flag refuses.
 */
export function parseFlags<F extends Flags>(
  flags: F,
  args: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): ParsedCommandLine<F> {
  const { given, positionals } = tokenize(flags, args);
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const texts = given.get(name);
    const variable = variables[variableOf(name)];
    if (texts !== undefined) values[name] = parseValue(flag, `--${name}`, texts);
    else if (variable !== undefined) values[name] = parseValue(flag, variableOf(name), [variable]);
    else values[name] = absentValue(flag, name);
  }
  return { values: values as FlagValues<F>, positionals };
}

function tokenize(flags: Flags, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      { type: flag.kind === 'switch' ? ('boolean' as const) : ('string' as const), multiple: true },
    ]),
  );
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const flag =
      Object.hasOwn(flags, token.name) && token.rawName === `--${token.name}`
        ? flags[token.name]!
        : undefined;
    if (flag === undefined) {
      throw new UsageError(`unknown flag ${token.rawName}; --help lists the flags of this verb`);
    }
    if (flag.kind === 'switch') {
      if (token.value !== undefined) throw new UsageError(`${token.rawName} takes no value`);
    } else if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      throw new UsageError(`${token.rawName} needs a value: ${token.rawName} ${flag.placeholder}`);
    }
    const texts = given.get(token.name) ?? [];
    texts.push(token.value ?? 'true');
    given.set(token.name, texts);
  }
  return { given, positionals };
}

function parseValue(flag: Flag, origin: string, texts: readonly string[]): unknown {
  const refused = (text: string, error: unknown) => {
    if (!(error instanceof UsageError)) return error;
    return new UsageError(`${origin} '${text}' is not possible: ${error.message}`, { cause: error });
  };
  const parse = (text: string, read: (text: string) => unknown) => {
    try {
      return read(text);
    } catch (error) {
      throw refused(text, error);
    }
  };
  switch (flag.kind) {
    case 'switch':
      return parse(texts.at(-1)!, parseSwitch);
    case 'list':
      return texts.flatMap((text) => parse(text, flag.parse) as readonly unknown[]);
    case 'option':
      return parse(texts.at(-1)!, flag.parse);
  }
}

function parseSwitch(text: string): boolean {
  if (['true', '1', 'yes'].includes(text)) return true;
  if (['false', '0', 'no', ''].includes(text)) return false;
  throw new UsageError('write true or false');
}

function absentValue(flag: Flag, name: string): unknown {
  switch (flag.kind) {
    case 'switch':
      return false;
    case 'list':
      return [];
    case 'option':
      if (flag.fallback !== undefined) return flag.parse(flag.fallback);
      if (flag.isRequired) {
        throw new UsageError(`--${name} ${flag.placeholder} is missing (or set ${variableOf(name)})`);
      }
      return undefined;
  }
}
