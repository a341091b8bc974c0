import { availableParallelism } from "node:os";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";
import { PlainTotals } from "./test/support/plain-totals-reporter.ts";

const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    isolate: false,
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Most tests wait most of the time: for servers, leases and other processes.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    // How soon something comes true is asserted where it matters; the machine may be busy with other tests.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 60_000,
    // A server that is missing may have to be installed first.
    hookTimeout: 300_000,
    reporters: ["default", new PlainTotals()],
  },
});

export default config;
