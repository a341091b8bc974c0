import type { Reporter, TestModule } from "vitest/node";

/** Closes a run with one plain line that any CI log reader can parse. */
export class PlainTotals implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const n = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const m of modules) for (const t of m.children.allTests()) n[t.result().state] += 1;
    console.log(`${n.passed} passed, ${n.failed} failed, ${n.skipped} skipped`);
  }
}
