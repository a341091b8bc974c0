import { defineConfig, type ViteUserConfig } from "vitest/config";
import { PlainTotals } from "./test/support/plain-totals-reporter.ts";

const config: ViteUserConfig = defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    isolate: false,
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 30_000,
    // A server that is missing may have to be installed first.
    hookTimeout: 300_000,
    reporters: ["default", new PlainTotals()],
  },
});

export default config;
