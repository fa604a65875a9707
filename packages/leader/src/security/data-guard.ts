import type { Clock } from '@holdfast/format';
import { requestToken } from './request-token.js';
import { isWithinTimes, type TokenKeys, verifyToken } from './token.js';
import type { WhiteList } from './white-list.js';

export interface DataGuardOptions {
  readonly clock: Clock;
  /** Set: POST, PUT and DELETE need a token signed with it. */
  readonly writeKeys?: TokenKeys | undefined;
  /** Set: GET and HEAD need one. */
  readonly readKeys?: TokenKeys | undefined;
  /** Set: only from these addresses is anything written. */
  readonly whiteList?: WhiteList | undefined;
}

/** A request for one needle, before anything is read of it. */
export interface GuardedRequest {
  readonly kind: 'read' | 'write';
  /** `<volume id>,<key and cookie>` as in the URL, without extension and `_<n>`: what a token has to name, letter by letter. */
  readonly fid: string;
  readonly request: Pick<Request, 'url' | 'headers'>;
  readonly peer: { readonly address: string };
}

/** Answers requests that are not let in, as SeaweedFS does: 401 to strange addresses, 401 `wrong jwt` without a token. */
export function createDataGuard({ clock, writeKeys, readKeys, whiteList }: DataGuardOptions) {
  return ({
    kind,
    fid,
    request,
    peer,
  }: GuardedRequest): Response | undefined | Promise<Response | undefined> => {
    if (kind === 'write' && whiteList?.allows(peer.address) === false)
      return new Response(null, { status: 401 });
    const keys = kind === 'write' ? writeKeys : readKeys;
    return keys === undefined ? undefined : withoutToken(request, fid, keys);
  };

  async function withoutToken(
    request: GuardedRequest['request'],
    fid: string,
    keys: TokenKeys,
  ): Promise<Response | undefined> {
    const token = requestToken(request);
    const claims = token === undefined ? undefined : await verifyToken(token, keys);
    if (claims?.fid === fid && isWithinTimes(claims, clock.nowMs() / 1000)) return undefined;
    return Response.json({ error: 'wrong jwt' }, { status: 401 });
  }
}
