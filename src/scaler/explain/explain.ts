import type { ScaledJob, ScaledObject } from "../../specs/index.ts";
import { describeScaledJob } from "./describe-scaled-job.ts";
import { describeScaledObject } from "./describe-scaled-object.ts";
import type { Explained, Explanation } from "./explanation.ts";
import { lintScaledJob } from "./lint-scaled-job.ts";
import { lintScaledObject } from "./lint-scaled-object.ts";

/** Says what an object means, and what of it is worth a second look. Pure; nothing secret is in it. */
export function explain(explained: Explained<ScaledObject | ScaledJob>): Explanation {
  const { set, object } = explained;
  const { meaning, remarks } =
    object.kind === "ScaledObject"
      ? {
          meaning: describeScaledObject({ ...explained, object }),
          remarks: lintScaledObject({ ...explained, object }),
        }
      : {
          meaning: describeScaledJob({ ...explained, object }),
          remarks: lintScaledJob({ ...explained, object }),
        };
  const { namespace, name } = object.metadata;
  return {
    kind: object.kind,
    namespace,
    name,
    source: object.source,
    meaning,
    remarks: remarks.map((remark) => ({ ...remark, source: set.locate(object, remark.path) })),
  };
}
