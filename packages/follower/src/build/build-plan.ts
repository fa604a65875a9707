/** How a build fetched, and the figures that decided. Sizes in bytes; of `windows` they are estimates. */
export interface BuildPlan {
  /** `windows`: what the pool has not, by ranges. `whole`: everything, in two streams that pin the generation. */
  readonly way: 'windows' | 'whole';
  /** In words. */
  readonly reason: string;
  readonly whole: { readonly bytes: number; readonly seconds: number } | null;
  readonly windows: {
    readonly bytes: number;
    readonly ranges: number;
    /** Taken from the pool. */
    readonly reusedBytes: number;
    readonly seconds: number;
  } | null;
}

/** A plan that no figures were needed for. */
export function wholePlan(reason: string): BuildPlan {
  return { way: 'whole', reason, whole: null, windows: null };
}

/** What is left of a build that was interrupted comes by ranges, whatever it costs: a stream begins at the front. */
export function resumedPlan(plan: BuildPlan): BuildPlan {
  return { ...plan, way: 'windows', reason: `it goes on where it was interrupted: ${plan.reason}` };
}

/** A link that breaks before it has brought the beginning of a stream still brings steps. */
export function brokenPlan(plan: BuildPlan): BuildPlan {
  return { ...plan, way: 'windows', reason: `a stream broke before any of it could be kept: ${plan.reason}` };
}
