import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { systemClock } from '@holdfast/format/node';
import { expect, test } from 'vitest';
import {
  createDataGuard,
  createWhiteList,
  type GuardedRequest,
  signToken,
  tokenKeys,
} from '../../src/index.js';
import { importTokenKeys } from '../../src/node/index.js';

const FID = '3,01637037d6';
const SECRET = 'a secret';
const NOW_SECONDS = 1_700_000_000;
const clock = { ...systemClock, nowMs: () => NOW_SECONDS * 1000 + 500 };
const keys = tokenKeys(SECRET);

const base64 = (value: string | Buffer) => Buffer.from(value).toString('base64url');
const HASHES = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' } as const;

/** Made by hand, as any library would. */
function token(claims: unknown, { alg = 'HS256', secret = SECRET, header = {} } = {}): string {
  const signed = `${base64(JSON.stringify({ alg, typ: 'JWT', ...header }))}.${base64(JSON.stringify(claims))}`;
  const hash = HASHES[alg as keyof typeof HASHES] ?? 'sha256';
  return `${signed}.${alg === 'none' ? '' : base64(createHmac(hash, secret).update(signed).digest())}`;
}

interface Asked {
  readonly kind?: 'read' | 'write';
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly address?: string;
}

const guard = createDataGuard({ clock, writeKeys: keys });

async function ask({ kind = 'write', query = '', headers = {}, address = '127.0.0.1' }: Asked, by = guard) {
  const request = new Request(`http://server/3,01637037d6.jpg${query}`, { headers });
  const asked: GuardedRequest = { kind, fid: FID, request, peer: { address } };
  return by(asked);
}

const isLetIn = async (shown: string, kind?: 'read' | 'write') =>
  (await ask({ query: `?jwt=${shown}`, ...(kind && { kind }) })) === undefined;

test('keys that are imported are the same keys', async () => {
  const imported = createDataGuard({ clock, writeKeys: await importTokenKeys(SECRET) });
  for (const alg of ['HS256', 'HS384', 'HS512'])
    expect(await ask({ query: `?jwt=${token({ fid: FID }, { alg })}` }, imported)).toBeUndefined();
  const own = await signToken({ fid: FID }, await importTokenKeys(SECRET));
  expect(await ask({ query: `?jwt=${own}` })).toBeUndefined();
  const wrong = token({ fid: FID }, { secret: 'another' });
  expect((await ask({ query: `?jwt=${wrong}` }, imported))?.status).toBe(401);
});

test('a token of each algorithm lets in, and so does one without an end', async () => {
  for (const alg of ['HS256', 'HS384', 'HS512'])
    expect([alg, await isLetIn(token({ fid: FID, exp: NOW_SECONDS + 10 }, { alg }))]).toEqual([alg, true]);
  expect(await isLetIn(token({ fid: FID }))).toBe(true);
  expect(await isLetIn(token({ fid: FID, nbf: NOW_SECONDS, exp: NOW_SECONDS + 1 }))).toBe(true);
  expect(await isLetIn(await signToken({ fid: FID, exp: NOW_SECONDS + 1 }, keys))).toBe(true);
});

test('the answer to everything else is 401 and says wrong jwt', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const unsigned = `${base64('{"alg":"ES256"}')}.${base64(JSON.stringify({ fid: FID }))}`;
  const good = token({ fid: FID });
  const [header, payload, signature] = good.split('.') as [string, string, string];
  const wrong: Readonly<Record<string, string>> = {
    empty: '',
    'no token': 'nonsense',
    'only dots': '..',
    'without a signature': `${header}.${payload}.`,
    'a signature cut': `${header}.${payload}.${signature.slice(0, -4)}`,
    'a signature of other claims': `${header}.${base64(JSON.stringify({ fid: FID, exp: 9e9 }))}.${signature}`,
    'alg none': token({ fid: FID }, { alg: 'none' }),
    'alg none, signed': `${token({ fid: FID }, { alg: 'none' })}${signature}`,
    'another algorithm': `${unsigned}.${base64(sign('sha256', Buffer.from(unsigned), { key: privateKey, dsaEncoding: 'ieee-p1363' }))}`,
    'an unknown algorithm': token({ fid: FID }, { alg: 'HS1' }),
    'another secret': token({ fid: FID }, { secret: 'another' }),
    'no secret': token({ fid: FID }, { secret: '' }),
    'an extension that must be understood': token({ fid: FID }, { header: { crit: ['x'], x: 1 } }),
    over: token({ fid: FID, exp: NOW_SECONDS }),
    'not yet': token({ fid: FID, nbf: NOW_SECONDS + 1 }),
    'an end that is no time': token({ fid: FID, exp: 'never' }),
    'an end beyond numbers': token({ fid: FID, exp: null }),
    'another needle': token({ fid: '3,02637037d6' }),
    'the volume alone': token({ fid: '3' }),
    'the same id in other letters': token({ fid: '3,1637037d6' }),
    'upper case': token({ fid: '3,01637037D6' }),
    'with the extension': token({ fid: `${FID}.jpg` }),
    'no claims': token(null),
    'a list': token([FID]),
    'no fid': token({ sub: FID }),
    endless: token({ fid: FID, more: 'x'.repeat(5000) }),
  };
  for (const [what, shown] of Object.entries(wrong)) {
    const answer = await ask({ query: `?jwt=${shown}` });
    expect([what, answer?.status, await answer?.json()]).toEqual([what, 401, { error: 'wrong jwt' }]);
  }
});

test('the query goes before the header, the header before the cookie', async () => {
  const [good, bad] = [token({ fid: FID }), token({ fid: 'x' })];
  const letIn: readonly Asked[] = [
    { query: `?ts=1&jwt=${good}`, headers: { authorization: `Bearer ${bad}` } },
    { headers: { authorization: `Bearer ${good}`, cookie: `AT=${bad}` } },
    { headers: { authorization: `bEARER  ${good}` } },
    { headers: { cookie: `first=1; AT=${good}; last=2` } },
    { headers: { authorization: 'Basic dTpw', cookie: `AT=${good}` } },
    { query: '?jwt=', headers: { authorization: `Bearer ${good}` } },
  ];
  for (const asked of letIn) expect([asked, await ask(asked)]).toEqual([asked, undefined]);
  const refused: readonly Asked[] = [
    { query: `?jwt=${bad}`, headers: { authorization: `Bearer ${good}` } },
    { headers: { authorization: `Bearer ${bad}`, cookie: `AT=${good}` } },
    { headers: { cookie: `XAT=${good}` } },
    { headers: { authorization: good } },
    {},
  ];
  for (const asked of refused) expect([asked, (await ask(asked))?.status]).toEqual([asked, 401]);
});

test('reading is guarded by a key of its own, and free without one', async () => {
  expect(await ask({ kind: 'read' })).toBeUndefined();
  const both = createDataGuard({ clock, writeKeys: keys, readKeys: tokenKeys('for reading') });
  const read = token({ fid: FID }, { secret: 'for reading' });
  expect(await ask({ kind: 'read', query: `?jwt=${read}` }, both)).toBeUndefined();
  expect((await ask({ kind: 'read', query: `?jwt=${token({ fid: FID })}` }, both))?.status).toBe(401);
  expect((await ask({ kind: 'write', query: `?jwt=${read}` }, both))?.status).toBe(401);
});

test('a white list guards writing alone, before any token', async () => {
  const listed = createDataGuard({ clock, whiteList: createWhiteList(['10.0.0.0/8']) });
  expect(await ask({ address: '::ffff:10.1.2.3' }, listed)).toBeUndefined();
  expect(await ask({ kind: 'read', address: '127.0.0.1' }, listed)).toBeUndefined();
  const answer = await ask({ address: '127.0.0.1' }, listed);
  expect([answer?.status, await answer?.text()]).toEqual([401, '']);
  const both = createDataGuard({ clock, writeKeys: keys, whiteList: createWhiteList(['10.0.0.0/8']) });
  expect((await ask({ address: '127.0.0.1', query: `?jwt=${token({ fid: FID })}` }, both))?.status).toBe(401);
  expect((await ask({ address: '10.0.0.1' }, both))?.status).toBe(401);
  expect(await ask({ address: '10.0.0.1', query: `?jwt=${token({ fid: FID })}` }, both)).toBeUndefined();
});
