const BEARER = /^bearer +(\S+)$/i;
const COOKIE = /(?:^|;) *AT=([^;]*)/;

/** The token that a request shows: of `?jwt=`, else of `Authorization: Bearer`, else of the cookie `AT` (protocol.md §7). */
export function requestToken({ url, headers }: Pick<Request, 'url' | 'headers'>): string | undefined {
  const query = url.indexOf('?');
  const given = query < 0 ? '' : (new URLSearchParams(url.slice(query + 1)).get('jwt') ?? '');
  if (given !== '') return given;
  const bearer = BEARER.exec(headers.get('authorization') ?? '')?.[1];
  return bearer ?? COOKIE.exec(headers.get('cookie') ?? '')?.[1];
}
