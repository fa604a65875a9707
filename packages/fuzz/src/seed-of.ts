import { crc32c } from '@holdfast/format';

/** A number out of anything: the same for the same bytes. */
export function seedOf(...parts: readonly (Uint8Array | string | number)[]): number {
  return parts.reduce<number>((sum, part) => {
    const bytes = part instanceof Uint8Array ? part : new TextEncoder().encode(`${part}/`);
    return crc32c(bytes, sum);
  }, 0);
}
