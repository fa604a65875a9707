/**
 * - `bad-address`: a text that is no server address.
 * - `bad-security`: a `security.toml` whose tables cannot be used.
 * - `master-unreachable`: none of the masters answered, or none knew a leader. Retry.
 * - `not-permitted`: white list, TLS or authentication. An operator's matter.
 * - `duplicate-directory`: another volume server has registered with the same directory of volumes. Stop.
 * - `bad-answer`: a master's answer that breaks the protocol or passes a limit.
 * - `refused`: any other refusal; the master's text is in the message.
 */
export type SeaweedErrorCode =
  | 'bad-address'
  | 'bad-security'
  | 'master-unreachable'
  | 'not-permitted'
  | 'duplicate-directory'
  | 'bad-answer'
  | 'refused';

/** What goes wrong beside the leader of one volume (that is `LeaderError`). Codes are stable, messages are not. */
export class SeaweedError extends Error {
  override readonly name = 'SeaweedError';
  readonly code: SeaweedErrorCode;
  /** The master asked, where there is one. */
  readonly address: string | undefined;

  constructor(
    code: SeaweedErrorCode,
    message: string,
    detail: { readonly address?: string; readonly cause?: unknown } = {},
  ) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.address = detail.address;
  }
}
