/** A place in one index file of one generation. */
export interface IndexPlace {
  readonly generation: number;
  readonly indexSerial: number;
  /** Everything before it has been told. */
  readonly idxSizeBytes: number;
  /** CRC-32C of everything before it: the proof that it is the same index still. */
  readonly idxCrc32c: number;
}

/** How far the changes of a volume have been told. */
export interface ChangeCursor {
  /** `undefined`: nothing yet, as of an empty volume. */
  readonly told: IndexPlace | undefined;
  /** On the way from there to another index: its live needles are compared with those told, up to this one. */
  readonly toward: { readonly place: IndexPlace; readonly needleId: bigint } | undefined;
}

const PLACE = /^([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,15})\.([0-9a-f]{8})$/;
const NEEDLE_ID = /^[0-9a-f]{1,16}$/;

/** `PLACE`, or `PLACE>PLACE@NEEDLE`: what `parseChangeCursor` takes. */
export function formatChangeCursor({ told, toward }: ChangeCursor): string {
  const from = told === undefined ? '' : formatPlace(told);
  if (toward === undefined) return from;
  return `${from}>${formatPlace(toward.place)}@${toward.needleId.toString(16)}`;
}

/** `TypeError` for a text that no change had as its cursor. */
export function parseChangeCursor(text: string): ChangeCursor {
  const [from = '', to, ...others] = text.split('>');
  const [place, needleId, ...more] = (to ?? '').split('@');
  const isWhole = others.length === 0 && more.length === 0 && (from !== '' || to !== undefined);
  if (!isWhole || (to !== undefined && !NEEDLE_ID.test(needleId ?? ''))) throw notACursor(text);
  const told = from === '' ? undefined : parsePlace(from, text);
  if (to === undefined) return { told, toward: undefined };
  return { told, toward: { place: parsePlace(place ?? '', text), needleId: BigInt(`0x${needleId}`) } };
}

function formatPlace({ generation, indexSerial, idxSizeBytes, idxCrc32c }: IndexPlace): string {
  return `${generation}.${indexSerial}.${idxSizeBytes}.${idxCrc32c.toString(16).padStart(8, '0')}`;
}

function parsePlace(part: string, text: string): IndexPlace {
  const match = PLACE.exec(part);
  if (match === null) throw notACursor(text);
  return {
    generation: Number(match[1]),
    indexSerial: Number(match[2]),
    idxSizeBytes: Number(match[3]),
    idxCrc32c: Number.parseInt(match[4]!, 16),
  };
}

function notACursor(text: string): TypeError {
  return new TypeError(
    `${JSON.stringify(text.slice(0, 120))} is no cursor: give back what a change had, as it was`,
  );
}
