import { type ConnectProtocol, createConnectTransport } from '@holdfast/transport-connect';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import type { SubjectKind } from './subject.js';
import { createTcpFront } from './tcp-front.js';

export const grpcSubject: SubjectKind = {
  name: 'grpc',
  sockets: true,
  create: (options) => ({ transport: createGrpcTransport(options), front: createTcpFront }),
};

export function connectSubject(protocol: ConnectProtocol): SubjectKind {
  return {
    name: `connect (${protocol})`,
    sockets: true,
    create: (options) => ({
      transport: createConnectTransport({ ...options, protocol }),
      front: createTcpFront,
    }),
  };
}
