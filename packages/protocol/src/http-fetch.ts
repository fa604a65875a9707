/** Plain HTTP, for what SeaweedFS serves outside gRPC. The shape of the standard `fetch`, given and never imported. */
export type HttpFetch = (url: string, init: { readonly signal: AbortSignal }) => Promise<HttpResponse>;

export interface HttpResponse {
  readonly status: number;
  /** The whole body; fails with `RpcError` code `resource-exhausted` beyond `maxBytes`. */
  text(maxBytes: number): Promise<string>;
}
