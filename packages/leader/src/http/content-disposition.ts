const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not stand in a header.
const PRINTABLE = /^[^\x00-\x1f\x7f-\uffff]*$/;

/** As RFC 6266 has it: a token as it is, other ASCII quoted, everything else as `filename*`. */
export function formatDisposition(kind: 'inline' | 'attachment', fileName: string): string {
  return `${kind}; ${fileNameParameter(fileName)}`;
}

/** The file name alone, as it stands behind the kind of a disposition. */
export function fileNameParameter(fileName: string): string {
  if (TOKEN.test(fileName)) return `filename=${fileName}`;
  if (PRINTABLE.test(fileName)) return `filename="${fileName.replaceAll(/["\\]/g, '\\$&')}"`;
  const encoded = encodeURIComponent(fileName).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `filename*=utf-8''${encoded}`;
}

const FILE_NAME = /;[ \t]*filename[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^";\\ \t]+))/i;
const EXTENDED_FILE_NAME = /;[ \t]*filename\*[ \t]*=[ \t]*utf-8'[^']*'([^; \t]*)/i;

/** The file name of a Content-Disposition, without folders; `""` where it has none. */
export function dispositionFileName(disposition: string): string {
  const extended = EXTENDED_FILE_NAME.exec(disposition)?.[1];
  if (extended !== undefined) {
    try {
      return baseName(decodeURIComponent(extended));
    } catch {
      // The plain form is for those who cannot read this one.
    }
  }
  const [, quoted, token = ''] = FILE_NAME.exec(disposition) ?? [];
  return baseName(quoted?.replaceAll(/\\(.)/g, '$1') ?? token);
}

/** What follows the last `/` or `\`; those at the end do not count. */
export function baseName(path: string): string {
  const trimmed = path.replace(/[/\\]+$/, '');
  return trimmed.slice(Math.max(trimmed.lastIndexOf('/'), trimmed.lastIndexOf('\\')) + 1);
}
