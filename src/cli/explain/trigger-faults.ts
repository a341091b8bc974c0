import { isSluiceError, type SluiceError, silentLogger, systemClock } from "../../core/index.ts";
import { createConnections, type Resolution } from "../../scaler/index.ts";
import { isResourceTrigger, type ScaledJob, type ScaledObject } from "../../specs/index.ts";
import { createTriggers } from "../../triggers/index.ts";
import { createResolved } from "../scale/open-triggers.ts";

/**
 * What is wrong with the metadata of each trigger of an object, by the trigger's own declaration; null where nothing is,
 * or where it cannot be told because its references are missing. Connects to nothing.
 */
export async function triggerFaults(
  object: ScaledObject | ScaledJob,
  resolutions: readonly Resolution[],
): Promise<readonly (SluiceError | null)[]> {
  const connections = createConnections();
  const surroundings = { connections, clock: systemClock, logger: silentLogger };
  const createTrigger = createTriggers();
  const faults = object.spec.triggers.map(async (spec, index) => {
    const resolved = resolutions[index];
    if (resolved === undefined || isSluiceError(resolved) || isResourceTrigger(spec)) return null;
    try {
      const given = { ...surroundings, createTrigger, resolved };
      await (await createResolved(object, spec, given)).close();
      return null;
    } catch (error) {
      if (isSluiceError(error) && error.code === "TRIGGER_INVALID") return error;
      // An unknown type is the remark of another rule.
      if (isSluiceError(error) && error.code === "TRIGGER_UNKNOWN") return null;
      throw error;
    }
  });
  try {
    return await Promise.all(faults);
  } finally {
    await connections.close();
  }
}
