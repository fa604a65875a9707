import { createWhiteList, tokenKeys } from '@holdfast/leader';
import { clientSecurity, serverSecurity, type TlsPaths } from '@holdfast/seaweedfs';
import { parse, TomlError } from 'smol-toml';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { mutate } from '../mutate.js';

const TEXTS = [
  `[jwt.signing]
key = "abc"
expires_after_seconds = 10
[jwt.signing.read]
key = ""
[guard]
white_list = "127.0.0.1, 10.0.0.0/8,fd00::/8"
[grpc]
ca = "/a/ca.pem"
allowed_wildcard_domain = ".files.example"
[grpc.volume]
cert = "/a/volume.pem"
key = "/a/volume.key"
allowed_commonNames = "a,b"
[grpc.client]
cert = "/a/client.pem"
key = "/a/client.key"
`,
  `[https.client]
enabled = true
cert = "/a/c.pem"
key = "/a/c.key"
ca = '/a/ca.pem'
[https.volume]
cert = "/a/v.pem"
key = "/a/v.key"
ca = ""
`,
  'grpc = { ca = "x", volume = { cert = "y", key = "z" } }\njwt.signing.key = """\nlong\n"""\n[[guard]]\n',
];
const VARIABLES = { WEED_JWT_SIGNING_KEY: 'of the environment' };

/** A `security.toml`: what it says as texts and lists of texts, or why it cannot be used. */
export const securityFile: FuzzTarget = {
  name: 'security-file',
  share: 30,
  prepare() {
    const seeds = TEXTS.map((text) => new TextEncoder().encode(text));
    return {
      make: (dice) => mutate(dice, seeds),
      run(input) {
        const parsed = parsedToml(new TextDecoder().decode(input));
        if (parsed === undefined) return;
        const { grpc, https } = clientSecurity(parsed);
        const server = serverSecurity(parsed, {});
        for (const paths of [grpc, https, server.grpc, server.https]) expectPaths(paths);
        for (const secret of [server.writeSecret, server.readSecret]) {
          expectThat(secret !== '', 'an empty text counts as a secret');
          if (secret !== undefined) tokenKeys(secret);
        }
        expectWhiteList(server.whiteList);
        const { writeSecret } = serverSecurity(parsed, VARIABLES);
        expectThat(writeSecret === VARIABLES.WEED_JWT_SIGNING_KEY, 'the variable does not go first');
      },
    };
  },
};

/** `undefined` for what is no TOML. */
function parsedToml(text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError) return undefined;
    throw error;
  }
}

function expectPaths(paths: TlsPaths | undefined): void {
  if (paths === undefined) return;
  const { caPath, certPath, keyPath } = paths;
  for (const path of [caPath, certPath, keyPath])
    expectThat(path === undefined || (typeof path === 'string' && path !== ''), `a path is ${String(path)}`);
  expectThat((certPath === undefined) === (keyPath === undefined), 'one of certificate and key');
  expectThat(caPath !== undefined || certPath !== undefined, 'guarded by nothing');
}

/** It lets nobody in but by an entry, or says that an entry is none. */
function expectWhiteList(entries: readonly string[]): void {
  try {
    const list = createWhiteList(entries);
    expectThat(entries.length > 0 || !list.allows('127.0.0.1'), 'an empty list lets somebody in');
    expectThat(!list.allows('no address'), 'what is no address is let in');
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
}
