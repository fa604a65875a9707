/** Where lines go. */
export interface LineSink {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
}

/**
 * Standard output: text for people or, under `--json`, one JSON object a line with the summary last. 64-bit numbers
 * are strings.
 */
export interface Output {
  readonly isJson: boolean;
  readonly sink: LineSink;
  /** Something that happened: the object under `--json`, else the text (nothing where it is `undefined`). */
  event(object: Readonly<Record<string, unknown>>, text?: string): void;
  /** The result: called once, last. */
  summary(object: Readonly<Record<string, unknown>>, text: string): void;
  readonly hasSummary: boolean;
}

/** Makes the output of one run. */
export function createOutput(sink: LineSink, isJson: boolean): Output {
  let hasSummary = false;
  const emit = (object: Readonly<Record<string, unknown>>, text: string | undefined) => {
    if (isJson) sink.write(`${toJson(object)}\n`);
    else if (text !== undefined && text !== '') sink.write(`${text}\n`);
  };
  return {
    isJson,
    sink,
    event: emit,
    summary(object, text) {
      hasSummary = true;
      emit(object, text);
    },
    get hasSummary() {
      return hasSummary;
    },
  };
}

/** JSON on one line, with `bigint` as decimal text. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'bigint' ? inner.toString() : inner,
  );
}

/** `1536` is `1.5 KiB`. */
export function formatBytes(valueBytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = valueBytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** Columns that line up, for people. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Whole bytes in hex, as in a file id: `01f4`. */
export function formatNeedleId(needleId: bigint): string {
  const digits = needleId.toString(16);
  return digits.padStart(digits.length + (digits.length % 2), '0');
}
