import type { Candidate, Figures, Reason } from "../decision.ts";
import type { SharedGrant } from "./shared-cap.ts";

/** What a shared cap leaves of `alone`, which is what would be without it. */
export function sharedCandidate(alone: number, grant: SharedGrant): Candidate {
  const { replicas } = grant;
  return { rule: "shared-cap", replicas, text: restText(grant), figures: figuresOf(alone, grant) };
}

/** Why there are fewer than there would be. */
export function sharedReason(
  { current, alone }: { readonly current: number; readonly alone: number },
  grant: SharedGrant,
): Reason {
  const { share, replicas } = grant;
  const granted = replicas < current ? `${current - replicas} given up` : `${replicas} granted`;
  const later = share > replicas ? `, ${share} when there is room` : "";
  const text = `${alone} wanted, ${granted}${later}: ${restText(grant)}`;
  return { code: "SharedCap", text, figures: figuresOf(alone, grant) };
}

function figuresOf(alone: number, { replicas, share, maxReplicas }: SharedGrant): Figures {
  return { wanted: alone, granted: replicas, share, sharedCap: maxReplicas };
}

/** Who has the rest of the cap. */
function restText({ cap, maxReplicas, others }: SharedGrant): string {
  const rest = others.map(({ name, replicas }) => `, ${name} has ${replicas}`).join("");
  return `${cap} allows ${maxReplicas}${rest}`;
}
