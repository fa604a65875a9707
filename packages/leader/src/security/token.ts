import { CompactSign, type CryptoKey, compactVerify } from 'jose';

/** HMAC (RFC 7518), the only kind that SeaweedFS signs with. */
export type TokenAlgorithm = 'HS256' | 'HS384' | 'HS512';

/** One secret as a key for each algorithm. The bytes themselves do; keys that are imported once cost a third less. */
export type TokenKeys = Readonly<Record<TokenAlgorithm, Uint8Array | CryptoKey>>;

/** What a token says. Times in seconds since the Unix epoch. */
export interface TokenClaims {
  /** The file id that it is for. */
  readonly fid: string;
  /** Not to be taken from then on. */
  readonly exp?: number;
  /** Not to be taken before. */
  readonly nbf?: number;
}

const ALGORITHMS: readonly TokenAlgorithm[] = ['HS256', 'HS384', 'HS512'];
/** SeaweedFS's are about 150. */
const MAX_TOKEN_CHARACTERS = 4096;

/** Keys out of a secret's text, as `security.toml` has it. */
export function tokenKeys(secret: string): TokenKeys {
  const bytes = new TextEncoder().encode(secret);
  return { HS256: bytes, HS384: bytes, HS512: bytes };
}

/** What a token says, if it was signed with the secret; `undefined` for any other text. Its times are not looked at. */
export async function verifyToken(token: string, keys: TokenKeys): Promise<TokenClaims | undefined> {
  if (token.length > MAX_TOKEN_CHARACTERS) return undefined;
  try {
    const keyOf = ({ alg }: { alg?: string }) => keys[alg as TokenAlgorithm];
    const { payload } = await compactVerify(token, keyOf, { algorithms: [...ALGORITHMS] });
    return parseClaims(new TextDecoder().decode(payload));
  } catch {
    // Whatever is wrong with it, it proves nothing.
    return undefined;
  }
}

export function isWithinTimes({ exp, nbf }: TokenClaims, nowSeconds: number): boolean {
  return (exp === undefined || nowSeconds < exp) && (nbf === undefined || nowSeconds >= nbf);
}

/** A token as SeaweedFS's master makes them. */
export async function signToken(claims: TokenClaims, keys: TokenKeys): Promise<string> {
  const payload = new TextEncoder().encode(JSON.stringify(claims));
  return new CompactSign(payload).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(keys.HS256);
}

function parseClaims(text: string): TokenClaims | undefined {
  const value = JSON.parse(text) as Partial<Record<keyof TokenClaims, unknown>> | null;
  if (typeof value?.fid !== 'string' || !isTime(value.exp) || !isTime(value.nbf)) return undefined;
  return value as TokenClaims;
}

function isTime(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value));
}
