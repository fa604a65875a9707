/** What the files of a volume are called, without their extension. */
export function fileName(collection: string, volumeId: number): string {
  return collection === '' ? `${volumeId}` : `${collection}_${volumeId}`;
}
