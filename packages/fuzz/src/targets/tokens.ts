import { createHmac } from 'node:crypto';
import { createDataGuard, signToken, tokenKeys } from '@holdfast/leader';
import { changeJson } from '../change-json.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { mutate } from '../mutate.js';
import { packParts, unpackParts } from '../parts.js';

const SECRET = 'a secret';
const FID = '7,0100000001';
const NOW_SECONDS = 1_800_000_000;
const HASHES = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' } as const;
const HEADERS = [
  '{"alg":"HS256","typ":"JWT"}',
  '{"alg":"HS512"}',
  '{"alg":"none"}',
  '{"alg":"HS384","b64":true}',
];
const CLAIMS = [
  `{"fid":"${FID}","exp":${NOW_SECONDS + 10}}`,
  `{"fid":"${FID}","exp":${NOW_SECONDS - 10}}`,
  `{"fid":"${FID}","nbf":${NOW_SECONDS}}`,
  `{"fid":"7,0200000002"}`,
  `{"exp":1e30,"fid":"${FID}","iat":5,"more":[{}]}`,
];
/** Where a request can show its token. */
const PLACES = ['query', 'bearer', 'cookie'] as const;

/** Tokens of requests: let in is who has one that was signed with the secret, for this file and this time; nobody else. */
export const tokens: FuzzTarget = {
  name: 'tokens',
  share: 30,
  async prepare() {
    const clock = {
      nowMs: () => NOW_SECONDS * 1000,
      nowNs: () => BigInt(NOW_SECONDS) * 1_000_000_000n,
      monotonicMs: () => 0,
    };
    const guard = createDataGuard({ clock, writeKeys: tokenKeys(SECRET) });
    const good = await signToken({ fid: FID, exp: NOW_SECONDS + 10 }, tokenKeys(SECRET));
    const seeds = [good, signed(HEADERS[1]!, CLAIMS[0]!), 'a.b.c', '..'].map((text) => Buffer.from(text));
    return {
      make(dice) {
        const place = Uint8Array.of(dice.below(PLACES.length));
        if (dice.once(2)) return packParts([place, mutate(dice, seeds).subarray(0, 6000)]);
        const [header, claims] = [HEADERS, CLAIMS].map((texts) =>
          Buffer.from(dice.once(2) ? changeJson(dice, texts) : dice.pick(texts)).toString(),
        );
        return packParts([place, Buffer.from(signed(header!, claims!))]);
      },
      async run(input) {
        const [place, bytes] = unpackParts(input, 2);
        const token = new TextDecoder().decode(bytes);
        const request = requestWith(PLACES[(place![0] ?? 0) % PLACES.length]!, token);
        if (request === undefined) return;
        const refusal = await guard({ kind: 'write', fid: FID, request, peer: { address: '127.0.0.1' } });
        expectThat(refusal === undefined || refusal.status === 401, `answered with ${refusal?.status}`);
        expectThat(
          (refusal === undefined) === isGood(token),
          `${refusal === undefined ? 'let in' : 'refused'}: ${token}`,
        );
      },
    };
  },
};

function signed(header: string, claims: string): string {
  const text = [header, claims].map((part) => Buffer.from(part).toString('base64url')).join('.');
  const algorithm = /HS(?:256|384|512)/.exec(header)?.[0] ?? 'HS256';
  return `${text}.${signature(text, HASHES[algorithm as keyof typeof HASHES])}`;
}

function signature(text: string, hash: string): string {
  return createHmac(hash, SECRET).update(text).digest('base64url');
}

/** `undefined` for what stands in no request so that the server reads it as it is. */
function requestWith(place: (typeof PLACES)[number], token: string): Request | undefined {
  const url = `http://leader.test/${FID}`;
  if (place === 'query')
    return token === '' ? undefined : new Request(`${url}?jwt=${encodeURIComponent(token)}`);
  if (!/^[\x21-\x7e]+$/.test(token) || token.includes(';')) return undefined;
  const headers = place === 'bearer' ? { authorization: `Bearer ${token}` } : { cookie: `a=b; AT=${token}` };
  return new Request(url, { headers });
}

/** By RFC 7515 and 7519, as far as SeaweedFS's tokens go; base64url strictly. */
function isGood(token: string): boolean {
  const parts = token.split('.');
  if (parts.length !== 3 || token.length > 4096) return false;
  try {
    const [header, claims] = parts.slice(0, 2).map((part) => parse(part)) as [
      { alg?: string; b64?: unknown; crit?: unknown },
      { fid?: unknown; exp?: unknown; nbf?: unknown },
    ];
    const hash = Object.hasOwn(HASHES, header.alg ?? '')
      ? HASHES[header.alg as keyof typeof HASHES]
      : undefined;
    if (hash === undefined || header.crit !== undefined) return false;
    if (signature(`${parts[0]}.${parts[1]}`, hash) !== parts[2]) return false;
    const isTime = (time: unknown) =>
      time === undefined || (typeof time === 'number' && Number.isFinite(time));
    const { fid, exp, nbf } = claims;
    if (fid !== FID || !isTime(exp) || !isTime(nbf)) return false;
    return NOW_SECONDS < ((exp as number) ?? Infinity) && NOW_SECONDS >= ((nbf as number) ?? -Infinity);
  } catch {
    return false;
  }
}

function parse(part: string): unknown {
  if (!/^[A-Za-z0-9_-]*$/.test(part)) throw new SyntaxError('no base64url');
  const value: unknown = JSON.parse(new TextDecoder().decode(Buffer.from(part, 'base64url')));
  if (typeof value !== 'object' || value === null) throw new SyntaxError('no object');
  return value;
}
