import { defineConfig } from 'vitest/config';

const COVERED = ['format', 'index', 'store', 'follower'];
/** Whose tests run the code of the others. */
const COVERING = [...COVERED, 'leader', 'sim', 'fuzz'];

/** `npm run coverage`: how much of the heart the tests of these packages reach, all together. */
export default defineConfig({
  test: {
    projects: COVERING.map((name) => `packages/${name}`),
    maxWorkers: 2,
    reporters: ['dot'],
    coverage: {
      provider: 'v8',
      include: COVERED.map((name) => `packages/${name}/src/**/*.ts`),
      exclude: ['**/index.ts'],
      reporter: ['text-summary', 'json-summary', 'json'],
      reportsDirectory: '.cache/coverage',
      reportOnFailure: true,
      thresholds: { branches: 95 },
    },
  },
});
