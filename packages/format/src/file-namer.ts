import { type FileId, formatFileId } from './file-id.js';
import { appendToStem, safeFileName } from './safe-file-name.js';

/** Gives files that come one after the other safe names, each once. */
export interface FileNamer {
  /**
   * The name for the file that is stored as `name` (empty: without one). Where that is empty, or taken but for case, its
   * id tells it apart: `3,01637037d6`, `photo~01637037d6.jpg`.
   */
  nameOf(name: string, fileId: FileId): string;
}

/** Remembers about 11 to 22 bytes a file. That two names seem equal though they are not costs an id in one of them. */
export function createFileNamer(): FileNamer {
  const taken = new HashSet();

  /** Whether the name was free, and is taken now. File systems that fold case or compose accents see it as equal. */
  const take = (name: string) => taken.add(hashOf(name.normalize('NFC').toUpperCase().toLowerCase()));

  return {
    nameOf(name, fileId) {
      const id = formatFileId(fileId);
      const wanted = safeFileName(name) || id;
      if (take(wanted)) return wanted;
      const keyCookie = id.slice(id.indexOf(',') + 1);
      for (let copy = 1; ; copy++) {
        const other = appendToStem(wanted, copy === 1 ? `~${keyCookie}` : `~${keyCookie}~${copy}`);
        if (take(other)) return other;
      }
    },
  };
}

/** 53 bits, by two multiplicative hashes over the UTF-16 units. Never 0. */
function hashOf(text: string): number {
  let high = 0x811c9dc5;
  let low = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x5bd1e995);
    low ^= low >>> 15;
  }
  high = Math.imul(high ^ (high >>> 16), 0x85ebca6b);
  low = Math.imul(low ^ (low >>> 13), 0xc2b2ae35);
  return ((high >>> 0) % 0x20_0000) * 0x1_0000_0000 + ((low ^ (low >>> 16)) >>> 0) + 1;
}

const FIRST_SLOTS = 1024;
const MAX_LOAD = 0.75;

/** Numbers above 0, by open addressing in 8 bytes a slot. */
class HashSet {
  #slots = new Float64Array(FIRST_SLOTS);
  #count = 0;

  /** Whether it was not there. */
  add(value: number): boolean {
    if (!put(this.#slots, value)) return false;
    this.#count++;
    if (this.#count > this.#slots.length * MAX_LOAD) {
      const slots = new Float64Array(this.#slots.length * 2);
      for (const former of this.#slots) if (former !== 0) put(slots, former);
      this.#slots = slots;
    }
    return true;
  }
}

function put(slots: Float64Array, value: number): boolean {
  for (let at = value % slots.length; ; at = at + 1 === slots.length ? 0 : at + 1) {
    if (slots[at] === value) return false;
    if (slots[at] === 0) {
      slots[at] = value;
      return true;
    }
  }
}
