/** The files of one volume, all in one directory (format.md §1). */
export interface VolumePaths {
  readonly directory: string;
  /** Base name: `7` or `collection_7`. */
  readonly name: string;
  readonly dat: string;
  readonly idx: string;
  readonly vif: string;
  /** Output of a compaction: new `.dat`, new `.idx`, and the marker that says it is decided (format.md §8). */
  readonly cpd: string;
  readonly cpx: string;
  readonly cpc: string;
  /** There while a volume is made or removed: a server that finds it at its start removes the others (format.md §1). */
  readonly note: string;
  /** What servers derive from the `.idx`. */
  readonly ldb: string;
  readonly rdb: string;
  readonly sdx: string;
}

export function volumePaths(directory: string, name: string): VolumePaths {
  const base = `${directory}/${name}`;
  return {
    directory,
    name,
    dat: `${base}.dat`,
    idx: `${base}.idx`,
    vif: `${base}.vif`,
    cpd: `${base}.cpd`,
    cpx: `${base}.cpx`,
    cpc: `${base}.cpc`,
    note: `${base}.note`,
    ldb: `${base}.ldb`,
    rdb: `${base}.rdb`,
    sdx: `${base}.sdx`,
  };
}
