import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{unit,server,native,quality}/**/*.test.ts'],
    // The addon holds threads and mapped files: a process of its own for each file, and no more of them than the small
    // machines that we test on have cores.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
