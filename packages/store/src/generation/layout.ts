import { formatVolumeName, type VolumeName } from '@holdfast/format';

/** Paths of one generation's own directory, `DIR/.holdfast/<base name>/<id>/`. */
export interface GenerationLayout {
  readonly directory: string;
  /** The position with the identity of the files. */
  readonly position: string;
  readonly history: string;
  /** Present as long as the generation is unfinished. */
  readonly build: string;
  /** When it was replaced. Present in former generations. */
  readonly former: string;
  /** Why it is kept from pruning. */
  readonly hold: string;
  /** 32 bytes for each whole 64 KiB block of the `.dat`. */
  readonly datDigests: string;
  /** The same of the index file with this serial number: 0 the first, one more for each index adopted later. */
  idxDigests(serial: number): string;
  /** The files while they do not have, or no longer have, the volume's name in DIR. */
  readonly dat: string;
  readonly idx: string;
  readonly vif: string;
  /** An index file of this generation that is not, or no longer, the one in use. */
  idxOf(serial: number): string;
}

/** Every path that Holdfast uses for one volume of DIR. */
export interface HomeLayout {
  readonly directory: string;
  readonly baseName: string;
  /** SeaweedFS's own files: what the held generation's are called. */
  readonly dat: string;
  readonly idx: string;
  readonly vif: string;
  readonly holdfast: string;
  /** `DIR/.holdfast/<base name>`. */
  readonly home: string;
  readonly current: string;
  readonly swap: string;
  readonly append: string;
  readonly strays: string;
  generation(id: number): GenerationLayout;
}

/** The folder of DIR that is Holdfast's own. */
export const HOLDFAST_FOLDER = '.holdfast';

export function homeLayout(directory: string, volume: VolumeName): HomeLayout {
  const baseName = formatVolumeName(volume);
  const holdfast = `${directory}/${HOLDFAST_FOLDER}`;
  const home = `${holdfast}/${baseName}`;
  return {
    directory,
    baseName,
    dat: `${directory}/${baseName}.dat`,
    idx: `${directory}/${baseName}.idx`,
    vif: `${directory}/${baseName}.vif`,
    holdfast,
    home,
    current: `${home}/current`,
    swap: `${home}/swap`,
    append: `${home}/append`,
    strays: `${home}/strays`,
    generation: (id) => generationLayout(`${home}/${id}`, baseName),
  };
}

function generationLayout(directory: string, baseName: string): GenerationLayout {
  return {
    directory,
    position: `${directory}/position.json`,
    history: `${directory}/history`,
    build: `${directory}/build.json`,
    former: `${directory}/former.json`,
    hold: `${directory}/hold.json`,
    datDigests: `${directory}/dat.digests`,
    idxDigests: (serial) => `${directory}/idx.${serial}.digests`,
    dat: `${directory}/${baseName}.dat`,
    idx: `${directory}/${baseName}.idx`,
    vif: `${directory}/${baseName}.vif`,
    idxOf: (serial) => `${directory}/${baseName}.idx.${serial}`,
  };
}

/** The id that a directory name stands for; `undefined` for names that are no generation's. */
export function parseGenerationId(name: string): number | undefined {
  if (!/^[1-9][0-9]{0,14}$/.test(name)) return undefined;
  return Number(name);
}
