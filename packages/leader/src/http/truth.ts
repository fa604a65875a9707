/** Whether a parameter says yes, in one of the ways that a server takes. */
export function isTrue(text: string | null): boolean {
  return text !== null && /^(?:1|t|T|true|TRUE|True)$/.test(text);
}
