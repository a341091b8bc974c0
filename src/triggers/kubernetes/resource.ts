import { triggerInvalid } from "../failure.ts";
import { type Declaration, removed, text } from "../metadata-key.ts";
import type { TriggerType } from "../trigger-type.ts";

const keys: Declaration = {
  value: text({
    from: "M",
    required: true,
    says: "Percent of the request (Utilization), or a quantity (AverageValue)",
  }),
  containerName: text({ from: "M", says: "One container instead of all" }),
  type: removed("write metricType on the trigger instead"),
};

/** The use of processor or memory, which only the autoscaler of a cluster measures. */
function resourceTriggerType(type: "cpu" | "memory"): TriggerType {
  return {
    type,
    keys,
    measures: `Refused here: the ${type} of pods is measured by a Kubernetes cluster and its autoscaler, and never by KEDA`,
    countsInFlight: "does not count messages",
    takesAnyKey: false,
    async create(context) {
      throw triggerInvalid(context, [
        `the ${type} of pods is known to a Kubernetes cluster and its autoscaler alone; scale by the backlog here, or apply the file to a cluster with KEDA`,
      ]);
    },
  };
}

export const cpu: TriggerType = resourceTriggerType("cpu");
export const memory: TriggerType = resourceTriggerType("memory");
