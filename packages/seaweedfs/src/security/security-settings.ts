import { SeaweedError } from '../errors.js';

/** Variables of the process, by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** What a `security.toml` says, and the variables that go before it: `WEED_JWT_SIGNING_KEY` before `[jwt.signing] key`. */
export interface SecuritySettings {
  /** The first one that says something; an empty text is how the scaffolded file says "not set". */
  text(...names: readonly string[]): string | undefined;
  isTrue(name: string): boolean;
  /** The parts of a text between commas; none where it is not set. */
  list(name: string): readonly string[];
}

/** Paths of PEM files. `undefined` where nothing is said. */
export interface TlsPaths {
  readonly caPath: string | undefined;
  readonly certPath: string | undefined;
  readonly keyPath: string | undefined;
}

type Table = Readonly<Record<string, unknown>>;

/** `parsed` is plain objects. Names are those of the tables and the key with dots between: `grpc.volume.cert`. */
export function securitySettings(parsed: unknown, variables: Variables): SecuritySettings {
  function value(name: string): unknown {
    const variable = variables[`WEED_${name.toUpperCase().replaceAll('.', '_')}`];
    if (variable !== undefined && variable !== '') return variable;
    const words = name.split('.');
    const key = words.pop()!;
    return tableOf(parsed, words)[key];
  }

  function text(...names: readonly string[]): string | undefined {
    for (const name of names) {
      const found = value(name);
      if (found === undefined || found === '') continue;
      if (typeof found !== 'string') throw bad(`${bracketed(name)} is not a text`);
      return found;
    }
    return undefined;
  }

  return {
    text,
    isTrue: (name) => value(name) === true || value(name) === 'true',
    list: (name) =>
      (text(name) ?? '')
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
  };
}

/** `undefined` where neither an authority nor a certificate is named. */
export function tlsPaths(
  settings: SecuritySettings,
  table: string,
  caPath: string | undefined,
): TlsPaths | undefined {
  const certPath = settings.text(`${table}.cert`);
  const keyPath = settings.text(`${table}.key`);
  if ((certPath === undefined) !== (keyPath === undefined))
    throw bad(`[${table}] has only one of cert and key`);
  if (caPath === undefined && certPath === undefined) return undefined;
  return { caPath, certPath, keyPath };
}

function tableOf(parsed: unknown, words: readonly string[]): Table {
  let table = (parsed ?? {}) as Table;
  for (const [at, word] of words.entries()) {
    const inner = table[word] ?? {};
    if (typeof inner !== 'object' || Array.isArray(inner))
      throw bad(`[${words.slice(0, at + 1).join('.')}] is not a table`);
    table = inner as Table;
  }
  return table;
}

function bracketed(name: string): string {
  const dot = name.lastIndexOf('.');
  return `[${name.slice(0, dot)}] ${name.slice(dot + 1)}`;
}

function bad(message: string): SeaweedError {
  return new SeaweedError('bad-security', message);
}
