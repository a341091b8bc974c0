import type { Cancel } from "../../core/index.ts";
import type { ConnectionHold, TriggerContext } from "../../scaler/index.ts";
import { loadClient } from "../client.ts";
import { reasonOf, wrongAnswer } from "../failure.ts";
import { flag, text, type ValuesOf } from "../metadata-key.ts";
import {
  type ConnectionPlan,
  type SharedConnection,
  shareConnection,
} from "../shared-connection.ts";
import { sourceNumber } from "../source-number.ts";
import { defineTriggerType, type Gauge, type Measured, type TriggerType } from "../trigger-type.ts";
import {
  type Answers,
  callScaler,
  descriptor,
  loadOptions,
  type ScaledObjectRef,
  type ScalerClientLike,
} from "./protocol.ts";

const keys = {
  scalerAddress: text({
    from: "M",
    required: true,
    says: "`host:port` of the scaler's gRPC server",
  }),
  enableTLS: flag({
    from: "M",
    fallback: "false",
    says: "Also on with a certificate or an authority",
  }),
  unsafeSsl: flag({
    from: "M",
    fallback: "false",
    says: "The server's certificate is not checked",
  }),
  caCert: text({ from: "A", says: "PEM" }),
  tlsClientCert: text({ from: "A", says: "PEM" }),
  tlsClientKey: text({ from: "A", says: "PEM" }),
};

type Values = ValuesOf<typeof keys>;

export const external: TriggerType = externalOf("external");
/** As `external`, and the scaler says by itself when there is work. */
export const externalPush: TriggerType = externalOf("external-push");

function externalOf(type: "external" | "external-push"): TriggerType {
  const pushes = type === "external-push";
  return defineTriggerType({
    type,
    keys,
    takesAnyKey: true,
    measures: `What a program of your own says over gRPC by KEDA's contract (\`externalscaler.proto\`); its \`IsActive\` decides on activity${pushes ? ", and its `StreamIsActive` tells of work at once" : ""}`,
    countsInFlight: "as the scaler says",
    check: ({ tlsClientCert: cert, tlsClientKey: key }) =>
      (cert === null) === (key === null) ? [] : ["tlsClientCert and tlsClientKey go together"],
    gauge: (values, context) => createGauge(values, context, pushes),
  });
}

function createGauge(values: Values, context: TriggerContext, pushes: boolean): Gauge {
  const scaler = shareConnection(context, scalerConnection(values));
  const ref = refOf(context);
  const address = values.scalerAddress;

  const ask = <Method extends keyof Answers>(
    method: Method,
    request: object,
    signal: AbortSignal,
  ) =>
    scaler.use(signal, (client, limited) =>
      callScaler(client, address, { method, request, signal: limited }),
    );

  async function measure(metricName: string, signal: AbortSignal): Promise<Measured> {
    const { metricValues } = await ask("GetMetrics", { scaledObjectRef: ref, metricName }, signal);
    if (metricValues.length === 0)
      throw wrongAnswer(`the external scaler at ${address} gave no value for ${metricName}`);
    const values = metricValues.map(({ metricValue, metricValueFloat }) =>
      sourceNumber(
        metricValueFloat > 0 ? metricValueFloat : metricValue,
        `the value of ${metricName}`,
      ),
    );
    const { result: isActive } = await ask("IsActive", ref, signal);
    return { value: values.reduce((sum, value) => sum + value, 0), isActive };
  }

  return {
    async metrics(signal) {
      const { metricSpecs } = await ask("GetMetricSpec", ref, signal);
      if (metricSpecs.length === 0)
        throw wrongAnswer(`the external scaler at ${address} gave no metric`);
      return metricSpecs.map(({ metricName: name, targetSize, targetSizeFloat }) => {
        const target = targetSizeFloat > 0 ? Number(targetSizeFloat.toFixed(3)) : targetSize;
        if (target > 0) return { name, target };
        throw wrongAnswer(
          `the external scaler at ${address} gave the target ${target} for ${name}; expected more than 0`,
        );
      });
    },
    measure,
    ...(pushes && { watch: (onActive) => watchScaler(ref, { scaler, context, onActive }) }),
    close: scaler.release,
  };
}

/** All metadata; of `…FromEnv` the variable's value, under the same key. */
function refOf({ spec, env, owner }: TriggerContext): ScaledObjectRef {
  const metadata = Object.entries(spec.metadata).flatMap(([key, value]) => {
    if (!key.endsWith("FromEnv")) return [[key, value]];
    const resolved = Object.hasOwn(env, value) ? env[value] : "";
    return resolved ? [[key, resolved]] : [];
  });
  return {
    name: owner.name,
    namespace: owner.namespace,
    scalerMetadata: Object.fromEntries(metadata) as Record<string, string>,
  };
}

interface GrpcLike {
  loadPackageDefinition(definition: object): {
    readonly externalscaler: {
      readonly ExternalScaler: new (
        address: string,
        credentials: unknown,
        options: object,
      ) => ScalerClientLike;
    };
  };
  readonly credentials: {
    createInsecure(): unknown;
    createSsl(ca: Buffer | null, key: Buffer | null, cert: Buffer | null, verify: object): unknown;
  };
}

interface ProtoLoaderLike {
  fromJSON(json: object, options: object): object;
}

const packages = "@grpc/grpc-js@^1.13 @grpc/proto-loader@^0.8";

function scalerConnection(values: Values): ConnectionPlan<ScalerClientLike> {
  return {
    key: `external ${JSON.stringify(values)}`,
    async open() {
      const load = <Module>(what: () => Promise<unknown>) =>
        loadClient<Module>(packages, "the trigger external", what);
      const grpc = await load<GrpcLike>(() => import("@grpc/grpc-js"));
      const loader = await load<ProtoLoaderLike>(() => import("@grpc/proto-loader"));
      const { externalscaler } = grpc.loadPackageDefinition(
        loader.fromJSON(descriptor, loadOptions),
      );
      const config = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });
      return new externalscaler.ExternalScaler(values.scalerAddress, credentialsOf(grpc, values), {
        "grpc.service_config": config,
      });
    },
    close: async (client) => client.close(),
    atOnce: 16,
    healsItself: true,
  };
}

function credentialsOf({ credentials }: GrpcLike, values: Values): unknown {
  const { enableTLS, unsafeSsl, caCert, tlsClientCert, tlsClientKey } = values;
  if (!enableTLS && caCert === null && tlsClientCert === null) return credentials.createInsecure();
  const bytes = (pem: string | null): Buffer | null => (pem === null ? null : Buffer.from(pem));
  const verify = { rejectUnauthorized: !unsafeSsl };
  return credentials.createSsl(bytes(caCert), bytes(tlsClientKey), bytes(tlsClientCert), verify);
}

interface Watch {
  readonly scaler: SharedConnection<ScalerClientLike>;
  readonly context: TriggerContext;
  readonly onActive: () => void;
}

/** A stream that ended is opened again after this long, and twice as long after each that failed. */
const firstRetryMs = 2000;
const longestRetryMs = 60_000;

/** States: streaming (with a hold on the connection), waiting to stream again, cancelled. */
function watchScaler(ref: ScaledObjectRef, { scaler, context, onActive }: Watch): Cancel {
  const { clock, logger } = context;
  let retryMs = firstRetryMs;
  let isCancelled = false;
  let stop: Cancel = () => undefined;

  function again(reason: string | null): void {
    stop();
    if (isCancelled) return;
    if (reason === null) retryMs = firstRetryMs;
    else logger.debug("the stream of an external scaler failed", { reason, retryMs });
    stop = clock.after(retryMs, () => void start());
    retryMs = Math.min(retryMs * 2, longestRetryMs);
  }

  async function start(): Promise<void> {
    let hold: ConnectionHold<ScalerClientLike>;
    try {
      hold = await scaler.lend();
    } catch (error) {
      return again(reasonOf(error));
    }
    if (isCancelled) return hold.release();
    const stream = hold.connection.StreamIsActive(ref);
    stop = () => {
      stream.cancel();
      hold.release();
    };
    stream.on("data", ({ result }) => {
      if (result && !isCancelled) onActive();
    });
    stream.on("end", () => again(null));
    stream.on("error", (error) => again(reasonOf(error)));
  }

  void start();
  return () => {
    isCancelled = true;
    stop();
  };
}
