import { type HomeContext, readCurrent, unlessDamaged } from './home-records.js';
import { parseGenerationId } from './layout.js';
import { listIfThere, TEMPORARY_SUFFIX } from './small-file.js';

/** What a look at the folders of a home shows. */
export interface HomeLook {
  /** Nothing is there that a crash, an append, a swap or a build leaves: only the held files can need recovery. */
  readonly isInOrder: boolean;
  /** `undefined` where it is not in order: recovery may change it. */
  readonly current: number | undefined;
}

const NOT_IN_ORDER: HomeLook = { isInOrder: false, current: undefined };

/** Nearly every opening finds a home as it was left, and then each question that a list answers need not be asked. */
export async function lookAtHome(context: HomeContext): Promise<HomeLook> {
  const { env, layout } = context;
  const names = await listIfThere(env.disk, layout.home);
  const ids = names.map(parseGenerationId).filter((id) => id !== undefined);
  const isExpected =
    names.length === ids.length + 1 && names.some((name) => `${layout.home}/${name}` === layout.current);
  if (!isExpected) return NOT_IN_ORDER;
  const current = await unlessDamaged(readCurrent(env, layout), undefined);
  if (current === undefined || !ids.includes(current)) return NOT_IN_ORDER;
  for (const id of ids) {
    const isQuiet = id === current ? isCurrentInOrder : isFormerInOrder;
    const own = layout.generation(id);
    const paths = new Set(
      (await listIfThere(env.disk, own.directory)).map((name) => `${own.directory}/${name}`),
    );
    if (paths.has(own.build) || !isQuiet(paths, context, id)) return NOT_IN_ORDER;
  }
  return { isInOrder: true, current };
}

/** No file on its way, and no second name of a file in DIR. */
function isCurrentInOrder(paths: ReadonlySet<string>, { layout }: HomeContext, id: number): boolean {
  const secondNames = `${layout.generation(id).directory}/${layout.baseName}.`;
  return ![...paths].some((path) => path.endsWith(TEMPORARY_SUFFIX) || path.startsWith(secondNames));
}

function isFormerInOrder(paths: ReadonlySet<string>, { layout }: HomeContext, id: number): boolean {
  const own = layout.generation(id);
  return paths.has(own.dat) && paths.has(own.former);
}
