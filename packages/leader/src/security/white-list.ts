import ipaddr from 'ipaddr.js';

/** Addresses that may change what a server has. */
export interface WhiteList {
  /** Whether an address as sockets tell it, `127.0.0.1` or `::ffff:127.0.0.1`, is in it; never for what is none. */
  allows(address: string): boolean;
}

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Out of addresses and ranges (`10.0.0.7`, `10.0.0.0/8`, `fd00::/8`). Fails with `RangeError` for anything else. */
export function createWhiteList(entries: readonly string[]): WhiteList {
  const ranges = entries.map(parseRange);
  return {
    allows(text) {
      if (!ipaddr.isValid(text)) return false;
      const address = ipaddr.process(text);
      return ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits));
    },
  };
}

function parseRange(text: string): readonly [base: Address, bits: number] {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.toByteArray().length * 8];
  } catch (cause) {
    throw new RangeError(`neither an address nor a range of addresses: ${text}`, { cause });
  }
}
