import { type FileId, parseFileId } from '@holdfast/format';

/** A needle as a URL names it. */
export interface NeedlePath extends FileId {
  /** `<volume id>,<key and cookie>` as in the URL, without extension and `_<n>`: what a token has to name. */
  readonly fid: string;
  /** The name behind the id, decoded; `""` for none. */
  readonly fileName: string;
  /** With its dot, as in the URL; `""` for none. */
  readonly extension: string;
  /** The last segment, decoded: how an upload is called that says nothing else. */
  readonly lastSegment: string;
}

const PATH = /^\/([0-9]+)[,/]([0-9a-fA-F]+)(_[0-9]+)?(\.[^/]*)?(?:\/([^/]*))?$/;

/**
 * `/vid,fid[.ext]`, `/vid/fid[.ext]`, `/vid/fid/filename` (protocol.md §6). `undefined` for anything else, and for ids
 * that are none.
 */
export function parseNeedlePath(pathname: string): NeedlePath | undefined {
  const match = PATH.exec(pathname);
  if (match === null) return undefined;
  const [, volume, hex, delta = '', extension = '', fileName] = match;
  const isNamed = fileName !== undefined;
  if (isNamed && (extension !== '' || pathname[volume!.length + 1] === ',')) return undefined;
  try {
    const name = isNamed ? decoded(fileName) : '';
    const dot = name.lastIndexOf('.');
    return {
      ...parseFileId(`${volume},${hex}${delta}`),
      fid: `${volume},${hex}`,
      fileName: name,
      extension: isNamed && dot > 0 ? name.slice(dot) : extension,
      lastSegment: isNamed ? name : decoded(pathname.slice(pathname.lastIndexOf('/') + 1)),
    };
  } catch {
    return undefined;
  }
}

function decoded(segment: string): string {
  return segment.includes('%') ? decodeURIComponent(segment) : segment;
}

/** Path and query of a request's URL, which is always absolute; cheaper than a `URL`. */
export function splitUrl(url: string): { readonly pathname: string; readonly query: URLSearchParams } {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  if (start < 0) return { pathname: '/', query: NO_QUERY };
  const mark = url.indexOf('?', start);
  if (mark < 0) return { pathname: url.slice(start), query: NO_QUERY };
  return { pathname: url.slice(start, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}

const NO_QUERY = new URLSearchParams();
