/** How a client proves that it may, in the order in which a server looks for it (protocol.md §7), as header fields. */
export function credentialsOf(request: Request, query: URLSearchParams): Record<string, string> {
  const token = query.get('jwt');
  if (token) return { authorization: `BEARER ${token}` };
  const authorization = request.headers.get('authorization');
  if (authorization !== null) return { authorization };
  const cookie = request.headers.get('cookie');
  return cookie === null ? {} : { cookie };
}
