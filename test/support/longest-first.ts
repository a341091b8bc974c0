import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take the longest, longest first. One that is missing here costs time, nothing else. */
const long: readonly string[] = [
  "test/faults/brokers.test.ts",
  "test/rabbitmq/conformance.test.ts",
  "test/azure-service-bus/conformance.test.ts",
  "test/rabbitmq/driver.test.ts",
  "test/azure-service-bus/chaos.test.ts",
  "test/driver-conformance.test.ts",
  "test/package.test.ts",
  "test/postgres/conformance.test.ts",
  "test/redis/conformance.test.ts",
  "test/examples-scaling.test.ts",
  "test/faults/many-processes.test.ts",
  "test/triggers/kafka.test.ts",
  "test/faults/killed-workers.test.ts",
];

/**
 * Starts the longest files first, so that no worker is left alone with one at the end; then what runs servers and
 * processes. Vitest itself knows how long files take only where they have run before.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const path = relative(this.ctx.config.root, moduleId).replaceAll("\\", "/");
      const place = long.indexOf(path);
      if (place !== -1) return place;
      return path.startsWith("test/") ? long.length : long.length + 1;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
