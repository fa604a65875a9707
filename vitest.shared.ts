import { defineConfig } from 'vitest/config';

/** `npm run test` and `npm run check` leave their counts apart, for scripts/count-tests.mjs. */
const reportFile = `.cache/${process.env.npm_lifecycle_event ?? 'direct'}-report.json`;

/** Tests run the packages' sources: the `@holdfast/source` condition of every package's exports. */
export default defineConfig({
  resolve: { conditions: ['@holdfast/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@holdfast/source', 'node', 'import', 'default'] } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    reporters: ['default', ['json', { outputFile: reportFile }]],
  },
});
