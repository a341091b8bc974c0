import { availableParallelism } from "node:os";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { PlainTotals } from "./test/support/plain-totals-reporter.ts";

const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    isolate: false,
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Most tests wait most of the time, and on two cores the default would be one worker.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    // A server that is missing may have to be installed first.
    hookTimeout: 300_000,
    reporters: ["default", new PlainTotals()],
  },
});

export default config;
