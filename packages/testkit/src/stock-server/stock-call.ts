/** A call as it reached a simulated server. */
export interface StockCall {
  /** The method's `localName`, or `GET /status`. */
  readonly method: string;
  /** 0 where the call is about no volume. */
  readonly volumeId: number;
  /** The extension, for `copyFile`. */
  readonly ext?: string;
  readonly offset?: number;
  readonly lengthBytes?: number;
}

/** Where a test reaches into a simulated server. Both may wait, change volumes, and throw an `RpcError` as the answer. */
export interface StockHooks {
  /** Before a call looks at anything. */
  beforeCall?(call: StockCall): void | Promise<void>;
  /** Before the message with this index of a stream is sent, the file being open already. */
  beforeMessage?(call: StockCall, messageIndex: number): void | Promise<void>;
}
