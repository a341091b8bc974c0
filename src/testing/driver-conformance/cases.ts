import { browseCases } from "./browse.ts";
import { bulkCases } from "./bulk.ts";
import { concurrencyCases } from "./concurrency.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { deadLetterCases } from "./dead-letter.ts";
import { depthCases } from "./depth.ts";
import { dueTimeCases } from "./due-times.ts";
import { errorCases } from "./errors.ts";
import { identityCases } from "./identity.ts";
import { leaseCases } from "./lease.ts";
import { lifecycleCases } from "./lifecycle.ts";
import { modelCases } from "./model.ts";
import { orderingCases } from "./ordering.ts";
import { publishCases } from "./publish.ts";
import { receiveCases } from "./receive.ts";
import { restartCases } from "./restart.ts";
import { settleCases } from "./settle.ts";
import { timeCases } from "./time.ts";
import { wakeUpCases } from "./wake-up.ts";

/** Everything that a queue driver owes, area by area. */
export const driverConformance: readonly ConformanceCase[] = [
  ...errorCases,
  ...publishCases,
  ...receiveCases,
  ...leaseCases,
  ...settleCases,
  ...orderingCases,
  ...identityCases,
  ...timeCases,
  ...deadLetterCases,
  ...depthCases,
  ...dueTimeCases,
  ...browseCases,
  ...wakeUpCases,
  ...bulkCases,
  ...lifecycleCases,
  ...restartCases,
  ...concurrencyCases,
  ...modelCases,
];
