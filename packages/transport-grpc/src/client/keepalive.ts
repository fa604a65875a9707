export interface KeepaliveOptions {
  /** Pings after so long without a byte from the peer. */
  readonly keepaliveTimeMs: number;
  /** And gives up after so much longer. */
  readonly keepaliveTimeoutMs: number;
  ping(): void;
  onSilence(): void;
}

export interface Keepalive {
  /** Bytes have come: cheap enough for every read. */
  heard(): void;
  stop(): void;
}

/** Notices a peer that is gone without a word. Keeps no process alive. */
export function startKeepalive(options: KeepaliveOptions): Keepalive {
  let heardAtMs = performance.now();
  let pingedAtMs: number | undefined;
  let timer = setTimeout(look, options.keepaliveTimeMs).unref();

  function look(): void {
    if (pingedAtMs !== undefined && heardAtMs < pingedAtMs) {
      options.onSilence();
      return;
    }
    pingedAtMs = undefined;
    const restMs = heardAtMs + options.keepaliveTimeMs - performance.now();
    if (restMs > 0) {
      timer = setTimeout(look, restMs).unref();
      return;
    }
    pingedAtMs = performance.now();
    timer = setTimeout(look, options.keepaliveTimeoutMs).unref();
    options.ping();
  }

  return {
    heard() {
      heardAtMs = performance.now();
    },
    stop: () => clearTimeout(timer),
  };
}
