import { type HttpFetch, LeaderError, RpcError } from '@holdfast/protocol';
import type { SeaweedLimits } from './limits.js';
import { translateError } from './translate-error.js';

export interface PageSource {
  readonly fetch: HttpFetch;
  readonly url: string;
  readonly limits: SeaweedLimits;
}

/** A JSON page of a SeaweedFS server. Fails with a `LeaderError`. */
export async function readJsonPage(source: PageSource, signal: AbortSignal): Promise<unknown> {
  return parseJsonPage(await readPage(source, signal), source.url);
}

/** The text of a page. Fails with a `LeaderError`. */
export async function readPage({ fetch, url, limits }: PageSource, signal: AbortSignal): Promise<string> {
  const detail = { address: url };
  let status: number;
  let text: string;
  try {
    const response = await fetch(url, { signal });
    status = response.status;
    text = await response.text(limits.pageBytes);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof RpcError) throw translateError(error, detail);
    throw new LeaderError('unreachable', `${url}: ${String(error)}`, { ...detail, cause: error });
  }
  if (status === 401 || status === 403)
    throw new LeaderError('not-permitted', `${url}: HTTP ${status}`, detail);
  if (status !== 200) throw new LeaderError('refused', `${url}: HTTP ${status}`, detail);
  return text;
}

/** Fails with a `LeaderError`. */
export function parseJsonPage(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LeaderError('bad-answer', `${url}: no JSON`, { address: url, cause });
  }
}
