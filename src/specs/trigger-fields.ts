import { about, choice, type Field, flag, object, optional, or, text, texts } from "./field.ts";
import type { AuthenticationRef, TriggerSpec } from "./trigger-spec.ts";

const authenticationRef: Field<AuthenticationRef> = object<AuthenticationRef>({
  name: text({ isNeeded: true }),
  kind: or(
    choice(["TriggerAuthentication", "ClusterTriggerAuthentication"]),
    "TriggerAuthentication",
  ),
});

/** One item of `triggers`. */
export const triggerSpec: Field<TriggerSpec> = object<TriggerSpec>({
  type: about("What is measured, such as rabbitmq or cron.", text({ isNeeded: true })),
  name: about("A name of your own; a formula needs it.", or(text(), "")),
  metadata: about("What the trigger needs. All values are texts: quote numbers.", texts()),
  useCachedMetrics: about(
    "Let the autoscaler see the reading of the last poll instead of a fresh one.",
    or(flag(), false),
  ),
  metricType: about(
    "How the value is compared with the target. Utilization is for cpu and memory alone.",
    optional(choice(["AverageValue", "Value", "Utilization"])),
  ),
  authenticationRef: about("Where the secrets are.", optional(authenticationRef)),
});
