import type { RpcHandlerContext, RpcServerTlsOptions, RpcTlsOptions } from '@holdfast/protocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority } from './certificates.js';
import { blob, blobRequest, methods, never, openStage } from './stage.js';
import type { SubjectKind } from './subject.js';

/** TLS and mutual TLS: who is let in, and that a refusal says why. */
export function tlsConformance(kind: SubjectKind): void {
  describe('TLS', () => {
    let ours: Authority;
    let theirs: Authority;
    beforeAll(async () => {
      ours = await createAuthority('ours');
      theirs = await createAuthority('theirs');
    });

    /** One call over a connection with these options. */
    async function call(
      tls: RpcTlsOptions | undefined,
      serverTls: RpcServerTlsOptions | undefined,
      onCall?: (context: RpcHandlerContext) => void,
    ) {
      const options = { ...(tls && { tls }), ...(serverTls && { serverTls }) };
      const stage = await openStage(
        kind,
        {
          unary: async (_request, context) => {
            onCall?.(context);
            return blob({ needleBlob: new Uint8Array(3) });
          },
        },
        options,
      );
      try {
        return await stage.connection.unary(methods.unary, blobRequest({}), { signal: never });
      } finally {
        await stage.close();
      }
    }

    it('speaks to a server whose authority it knows', async () => {
      const server = await ours.issue('leader.test');
      expect((await call({ ca: ours.ca }, server)).needleBlob.length).toBe(3);
    });

    it('refuses a server of another authority', async () => {
      const server = await theirs.issue('leader.test');
      await expect(call({ ca: ours.ca }, server)).rejects.toMatchObject({
        code: 'unauthenticated',
        message: expect.stringMatching(/UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY/),
      });
    });

    it('refuses a server whose certificate is over', async () => {
      const server = await ours.issue('leader.test', { expired: true });
      await expect(call({ ca: ours.ca }, server)).rejects.toMatchObject({
        code: 'unauthenticated',
        message: expect.stringContaining('CERT_HAS_EXPIRED'),
      });
    });

    it('checks the name of the server, or the name that it is told, or none', async () => {
      const server = await ours.issue('leader.test', { address: false });
      await expect(call({ ca: ours.ca }, server)).rejects.toMatchObject({
        code: 'unauthenticated',
        message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID'),
      });
      expect((await call({ ca: ours.ca, serverName: 'leader.test' }, server)).needleBlob.length).toBe(3);
      expect((await call({ ca: ours.ca, checkServerName: false }, server)).needleBlob.length).toBe(3);
    });

    it('lets a client in that shows a certificate, where one is asked for', async () => {
      const server = { ...(await ours.issue('leader.test')), clientCa: ours.ca };
      const client = await ours.issue('follower.test');
      expect((await call({ ca: ours.ca, ...client }, server)).needleBlob.length).toBe(3);
    });

    it("tells a handler the common name in the client's certificate, and none without one", async () => {
      const server = await ours.issue('leader.test');
      const client = await ours.issue('follower.test');
      const names: (string | undefined)[] = [];
      const note = ({ peerCommonName }: RpcHandlerContext) => names.push(peerCommonName);
      await call({ ca: ours.ca, ...client }, { ...server, clientCa: ours.ca }, note);
      await call({ ca: ours.ca, ...client }, server, note);
      expect(names).toEqual(['follower.test', undefined]);
    });

    it('tells a client without a certificate that it needs one', async () => {
      const server = { ...(await ours.issue('leader.test')), clientCa: ours.ca };
      await expect(call({ ca: ours.ca }, server)).rejects.toMatchObject({
        code: 'unauthenticated',
        message: expect.stringContaining('client certificate required'),
      });
    });

    it('refuses a client with a certificate of another authority, or one that is over', async () => {
      const server = { ...(await ours.issue('leader.test')), clientCa: ours.ca };
      const refused = [
        await theirs.issue('follower.test'),
        await ours.issue('follower.test', { expired: true }),
      ];
      for (const client of refused) {
        await expect(call({ ca: ours.ca, ...client }, server)).rejects.toMatchObject({
          code: expect.stringMatching(/^(unauthenticated|unavailable)$/),
          message: expect.stringMatching(/certificate/),
        });
      }
    });

    it('fails where only one side speaks TLS', async () => {
      await expect(call({ ca: ours.ca }, undefined)).rejects.toMatchObject({
        code: 'unauthenticated',
        message: expect.stringContaining('does not speak TLS'),
      });
      await expect(call(undefined, await ours.issue('leader.test'))).rejects.toMatchObject({
        code: 'unavailable',
      });
    });
  });
}
