import { defineConfig } from 'vitest/config';

/** Tests run the packages' sources: the `@holdfast/source` condition of every package's exports. */
export default defineConfig({
  resolve: { conditions: ['@holdfast/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@holdfast/source', 'node', 'import', 'default'] } },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
