import type { Verb } from '../verb.js';

/**
 * In the order of the help, by name. A verb is loaded when it is asked for: what one of them needs does not delay the
 * start of the others.
 */
const loaders = {
  demo: async () => (await import('./demo.js')).demo,
  backup: async () => (await import('./backup.js')).backup,
  follow: async () => (await import('./follow.js')).follow,
  verify: async () => (await import('./verify.js')).verify,
  status: async () => (await import('./status.js')).status,
  restore: async () => (await import('./restore.js')).restore,
  inspect: async () => (await import('./inspect.js')).inspect,
  export: async () => (await import('./export.js')).exportVerb,
  compact: async () => (await import('./compact.js')).compact,
  fix: async () => (await import('./fix.js')).fix,
  serve: async () => (await import('./serve.js')).serve,
} satisfies Readonly<Record<string, () => Promise<Verb>>>;

/** `undefined` where there is no verb of this name. */
export async function loadVerb(name: string): Promise<Verb | undefined> {
  return Object.hasOwn(loaders, name) ? await loaders[name as keyof typeof loaders]() : undefined;
}

export function loadVerbs(): Promise<readonly Verb[]> {
  return Promise.all(Object.values(loaders).map((load) => load()));
}
