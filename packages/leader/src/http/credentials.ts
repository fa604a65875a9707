import { requestToken } from '../security/request-token.js';

/** How a client proved that it may, for another server: the same needle takes the same token. */
export function credentialsOf(request: Request): Record<string, string> {
  const token = requestToken(request);
  return token === undefined ? {} : { authorization: `BEARER ${token}` };
}
