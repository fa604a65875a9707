import mime from 'mime';

export const OCTET_STREAM = 'application/octet-stream';

export type MimeTypeOf = (extension: string) => string | undefined;

/** By the table of the package `mime`; texts are taken for UTF-8. */
export const standardMimeTypeOf: MimeTypeOf = (extension) => {
  const type = mime.getType(extension) ?? undefined;
  return type?.startsWith('text/') ? `${type}; charset=utf-8` : type;
};

/** In lower case, with its dot; `""` for none. A name that begins with its only dot has none. */
export function extensionOf(fileName: string): string {
  const dot = fileName.lastIndexOf('.');
  return dot > 0 ? fileName.slice(dot).toLowerCase() : '';
}

/** Whether a content of this type is worth packing; pictures, archives and what is unknown are not. */
export function isCompressible(contentType: string): boolean {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  if (type.startsWith('text/')) return true;
  if (type.startsWith('application/')) return type.endsWith('xml') || type.endsWith('script');
  return type === 'audio/wave' || type === 'audio/wav' || type === 'audio/x-wav' || type === 'audio/x-pn-wav';
}
