/**
 * CRC-32C (Castagnoli) of `bytes`, continued from `previous` (default 0), as an unsigned 32-bit number. `Crc32c` of
 * `@holdfast/format` is one.
 */
export type Checksum = (bytes: Uint8Array, previous?: number) => number;
