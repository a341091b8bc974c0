import {
  about,
  choice,
  type Field,
  list,
  object,
  optional,
  refuse,
  shape,
  whole,
} from "./field.ts";
import { parseQuantity } from "./quantity.ts";
import type { Behavior, ScalingPolicy, ScalingRules } from "./scaled-object.ts";

const what = "a quantity from 0, such as 0.05 or 50m";

/** A quantity from 0, as a number or a text. */
const tolerance: Field<number> = {
  what,
  schema: { type: ["number", "string"], minimum: 0 },
  read(value, at) {
    const number = typeof value === "string" ? parseQuantity(value) : value;
    if (typeof number === "number" && Number.isFinite(number) && number >= 0) return number;
    return refuse(at, `must be ${what}; got ${shape(value)}.`);
  },
};

const policy: Field<ScalingPolicy> = object<ScalingPolicy>(
  {
    type: choice(["Pods", "Percent"]),
    value: about("Pods, or per cent of them, that may come or go within the period.", whole(1)),
    periodSeconds: whole(1, 1800),
  },
  { renamed: { tolerance: "a key beside policies, not inside one" } },
);

const rules: Field<ScalingRules> = object<ScalingRules>({
  stabilizationWindowSeconds: about(
    "How far back recommendations count against a change. Default 0 up, 300 down.",
    optional(whole(0, 3600)),
  ),
  selectPolicy: about(
    "Which policy counts: Max the biggest change, Min the smallest, Disabled none at all.",
    optional(choice(["Max", "Min", "Disabled"])),
  ),
  policies: about("Replaces the whole default list.", optional(list(policy, { isNeeded: true }))),
  tolerance: about("The dead band in this direction. Default 0.1.", optional(tolerance)),
});

/** autoscaling/v2 `behavior`, with the bounds that Kubernetes checks. */
export const behavior: Field<Behavior> = object<Behavior>({
  scaleUp: optional(rules),
  scaleDown: optional(rules),
});
