import type {
  RpcLimits,
  RpcServerTlsOptions,
  RpcServerTransport,
  RpcTlsOptions,
  RpcTransport,
} from '@holdfast/protocol';

/** Which way bytes go: `up` from client to server, `down` from server to client. */
export type Direction = 'up' | 'down';

/** Something between a client and a server that breaks what passes through it. */
export interface Front {
  /** Where clients connect. */
  readonly address: string;
  /** Bytes that have passed so far. */
  carriedBytes(direction: Direction): number;
  /** Breaks every connection once so many bytes have passed in a direction: not a byte more does. */
  cutAfter(direction: Direction, bytes: number): void;
  /** Breaks every connection now. */
  drop(): void;
  /** Connections that were ever made through it. */
  connectionCount(): number;
  close(): Promise<void>;
}

export interface SubjectOptions {
  readonly limits?: Partial<RpcLimits>;
  readonly tls?: RpcTlsOptions;
  readonly serverTls?: RpcServerTlsOptions;
  /** What may be under way unread, where the transport has such an option. */
  readonly windowBytes?: number;
}

/** A transport, and what stands for the network under it. */
export interface Subject {
  readonly transport: RpcTransport & RpcServerTransport;
  front(address: string): Promise<Front>;
}

/** One implementation of `RpcTransport` and `RpcServerTransport`. */
export interface SubjectKind {
  readonly name: string;
  /** Whether it runs over sockets of this machine, and so over TLS as well. */
  readonly sockets: boolean;
  create(options: SubjectOptions): Subject;
}
