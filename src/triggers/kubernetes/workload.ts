import { wrongAnswer } from "../failure.ts";
import { createHttpClient, type HttpClient, parseJson } from "../http/client.ts";
import { flag, number, text } from "../metadata-key.ts";
import { above } from "../source-number.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";
import { type ClusterAccess, findCluster } from "./cluster.ts";

const keys = {
  podSelector: text({
    from: "M",
    required: true,
    says: "Label selector, such as `app=web,tier in (a, b)`",
  }),
  value: number({ from: "M", fallback: "0", says: "Pods per replica; required" }),
  activationValue: number({ from: "M", fallback: "0", says: "Active above this" }),
  groupByNode: flag({ from: "M", fallback: "false", says: "Nodes that hold such pods instead" }),
};

export const kubernetesWorkload: TriggerType = defineTriggerType({
  type: "kubernetes-workload",
  keys,
  measures:
    "Pods of the object's namespace that the selector finds and that have neither succeeded nor failed, in the cluster of `KUBECONFIG`, around us or of `~/.kube/config`",
  countsInFlight: "does not count messages",
  gauge({ podSelector, value, activationValue, groupByNode }, context) {
    const { namespace } = context.owner;
    let clients: { readonly http: HttpClient; readonly cluster: ClusterAccess } | null = null;
    const client = (): NonNullable<typeof clients> => {
      if (clients === null) {
        const cluster = findCluster();
        clients = { cluster, http: createHttpClient(context, cluster.tls) };
      }
      return clients;
    };
    return singleGauge(context, {
      name: `workload-${namespace}`,
      target: { key: "value", value },
      async measure(signal) {
        const { http, cluster } = client();
        const ask = async (path: string): Promise<unknown> => {
          const url = `${cluster.server.replace(/\/+$/, "")}${path}`;
          return parseJson(await http.text({ url, headers: cluster.headers() }, signal, 200), url);
        };
        const pods = await listPods(ask, namespace, podSelector);
        const counted = pods.filter(({ status }) => !ended.includes(status?.phase ?? ""));
        const nodes = counted.flatMap(({ spec }) => (spec?.nodeName ? [spec.nodeName] : []));
        return above(activationValue, groupByNode ? new Set(nodes).size : counted.length);
      },
      close: () => clients?.http.release(),
    });
  },
});

const ended: readonly string[] = ["Succeeded", "Failed"];

interface Pod {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: { readonly phase?: string };
}

interface PodList {
  readonly items?: readonly Pod[];
  readonly metadata?: { readonly continue?: string };
}

/** All pages. */
async function listPods(
  ask: (path: string) => Promise<unknown>,
  namespace: string,
  labelSelector: string,
): Promise<readonly Pod[]> {
  const pods: Pod[] = [];
  let next = "";
  do {
    const search = new URLSearchParams({
      labelSelector,
      limit: "500",
      ...(next && { continue: next }),
    });
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?${search}`;
    const { items, metadata } = ((await ask(path)) ?? {}) as PodList;
    if (!Array.isArray(items)) throw wrongAnswer("the cluster's answer is no list of pods");
    pods.push(...items);
    next = metadata?.continue ?? "";
  } while (next !== "");
  return pods;
}
