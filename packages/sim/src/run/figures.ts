/** What one or many schedules came to: counts by name. */
export type Figures = Record<string, number>;

export function addFigures(into: Figures, from: Figures): void {
  for (const [name, count] of Object.entries(from)) into[name] = (into[name] ?? 0) + count;
}

/** Counts one more. */
export function count(figures: Figures, name: string, by = 1): void {
  figures[name] = (figures[name] ?? 0) + by;
}
