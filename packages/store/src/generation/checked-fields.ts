import { StoreError } from '../errors.js';

/** The fields of a parsed JSON object. Every reader fails with `position-damaged` where the field is not what it asks for. */
export interface CheckedFields {
  /** A safe integer between 0 and `max`, both included. */
  integer(name: string, max?: number): number;
  integerOrNull(name: string): number | null;
  /** `null` also where there is no such field, as in what was written before there was one. */
  integerIfThere(name: string): number | null;
  flag(name: string): boolean;
  /** A text of at most 64 KiB that matches `pattern`. */
  text(name: string, pattern?: RegExp): string;
  textOrNull(name: string, pattern?: RegExp): string | null;
  object(name: string): CheckedFields;
  objectOrNull(name: string): CheckedFields | null;
  list(name: string): readonly CheckedFields[];
}

export const DECIMAL = /^[0-9]{1,20}$/;
const TEXT_LENGTH_MAX = 1 << 16;

export function checkedFields(value: unknown, path: string): CheckedFields {
  const damaged = (what: string) =>
    new StoreError('position-damaged', `${path}: ${what} is not what it must be`, { path });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged('the content');
  const fields = new Map<string, unknown>(Object.entries(value));

  function text(name: string, pattern?: RegExp): string {
    const field = fields.get(name);
    if (typeof field !== 'string' || field.length > TEXT_LENGTH_MAX) throw damaged(name);
    if (pattern !== undefined && !pattern.test(field)) throw damaged(name);
    return field;
  }
  function integer(name: string, max = Number.MAX_SAFE_INTEGER): number {
    const field = fields.get(name);
    if (typeof field !== 'number' || !Number.isSafeInteger(field) || field < 0 || field > max)
      throw damaged(name);
    return field;
  }
  function flag(name: string): boolean {
    const field = fields.get(name);
    if (typeof field !== 'boolean') throw damaged(name);
    return field;
  }
  const object = (name: string) => checkedFields(fields.get(name), path);

  return {
    integer,
    integerOrNull: (name) => (fields.get(name) === null ? null : integer(name)),
    integerIfThere: (name) => ((fields.get(name) ?? null) === null ? null : integer(name)),
    flag,
    text,
    textOrNull: (name, pattern) => (fields.get(name) === null ? null : text(name, pattern)),
    object,
    objectOrNull: (name) => (fields.get(name) === null ? null : object(name)),
    list(name) {
      const field = fields.get(name);
      if (!Array.isArray(field)) throw damaged(name);
      return field.map((element) => checkedFields(element, path));
    },
  };
}
