/** Which client certificates are let in, by the common name in them. */
export interface CommonNames {
  readonly names: readonly string[];
  /** Every name that ends with it, such as `.files.example`; `undefined`: none but `names`. */
  readonly wildcardDomain?: string | undefined;
}

export function isCommonNameAllowed(
  { names, wildcardDomain }: CommonNames,
  commonName: string | undefined,
): boolean {
  if (commonName === undefined) return false;
  if (wildcardDomain !== undefined && commonName.endsWith(wildcardDomain)) return true;
  return names.includes(commonName);
}
