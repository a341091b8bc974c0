/** KEDA's contract with external scalers (externalscaler.proto of KEDA 2.20), and the part of gRPC's client that is used. */
import { noAnswer, reasonOf, wrongAnswer } from "../failure.ts";

const text = { type: "string" };

/** The contract as protobufjs writes it: what `externalscaler.proto` says, without a file to read. */
export const descriptor: object = {
  nested: {
    externalscaler: {
      nested: {
        ExternalScaler: {
          methods: {
            IsActive: { requestType: "ScaledObjectRef", responseType: "IsActiveResponse" },
            StreamIsActive: {
              requestType: "ScaledObjectRef",
              responseType: "IsActiveResponse",
              responseStream: true,
            },
            GetMetricSpec: {
              requestType: "ScaledObjectRef",
              responseType: "GetMetricSpecResponse",
            },
            GetMetrics: { requestType: "GetMetricsRequest", responseType: "GetMetricsResponse" },
          },
        },
        ScaledObjectRef: {
          fields: {
            name: { ...text, id: 1 },
            namespace: { ...text, id: 2 },
            scalerMetadata: { keyType: "string", ...text, id: 3 },
          },
        },
        IsActiveResponse: { fields: { result: { type: "bool", id: 1 } } },
        GetMetricSpecResponse: {
          fields: { metricSpecs: { rule: "repeated", type: "MetricSpec", id: 1 } },
        },
        MetricSpec: {
          fields: {
            metricName: { ...text, id: 1 },
            targetSize: { type: "int64", id: 2 },
            targetSizeFloat: { type: "double", id: 3 },
          },
        },
        GetMetricsRequest: {
          fields: {
            scaledObjectRef: { type: "ScaledObjectRef", id: 1 },
            metricName: { ...text, id: 2 },
          },
        },
        GetMetricsResponse: {
          fields: { metricValues: { rule: "repeated", type: "MetricValue", id: 1 } },
        },
        MetricValue: {
          fields: {
            metricName: { ...text, id: 1 },
            metricValue: { type: "int64", id: 2 },
            metricValueFloat: { type: "double", id: 3 },
          },
        },
      },
    },
  },
};

/** How `@grpc/proto-loader` is to read it. */
export const loadOptions: object = { keepCase: true, longs: Number, defaults: true };

/** Whom a scaler is asked about. */
export interface ScaledObjectRef {
  readonly name: string;
  readonly namespace: string;
  readonly scalerMetadata: Readonly<Record<string, string>>;
}

/** What a scaler answers, by method. */
export interface Answers {
  readonly IsActive: { readonly result: boolean };
  readonly GetMetricSpec: {
    readonly metricSpecs: readonly {
      readonly metricName: string;
      readonly targetSize: number;
      readonly targetSizeFloat: number;
    }[];
  };
  readonly GetMetrics: {
    readonly metricValues: readonly {
      readonly metricValue: number;
      readonly metricValueFloat: number;
    }[];
  };
}

/** A call under way. */
export interface CallLike {
  cancel(): void;
  on(event: "data", listener: (answer: { readonly result: boolean }) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
}

type Unary<Answer> = (
  request: object,
  done: (error: Error | null, answer?: Answer) => void,
) => CallLike;

/** A client of the contract; its channel connects anew by itself. */
export type ScalerClientLike = { readonly [Method in keyof Answers]: Unary<Answers[Method]> } & {
  StreamIsActive(request: object): CallLike;
  close(): void;
};

/** Codes that speak of the way to the scaler and not of its answer: cancelled, time is up, not available. */
const onTheWay: readonly unknown[] = [1, 4, 14];

/** Calls a method of the scaler. */
export function callScaler<Method extends keyof Answers>(
  client: ScalerClientLike,
  address: string,
  call: { readonly method: Method; readonly request: object; readonly signal: AbortSignal },
): Promise<Answers[Method]> {
  const { method, request, signal } = call;
  return new Promise((resolve, reject) => {
    const cancel = (): void => running.cancel();
    const done = (error: Error | null, answer?: Answers[Method]): void => {
      signal.removeEventListener("abort", cancel);
      if (error === null && answer !== undefined) {
        resolve(answer);
        return;
      }
      const message = `${method} of the external scaler at ${address} failed: ${reasonOf(error)}`;
      const isOnTheWay = error !== null && "code" in error && onTheWay.includes(error.code);
      reject(isOnTheWay ? noAnswer(message, error) : wrongAnswer(message, error));
    };
    const running = (client[method] as Unary<Answers[Method]>).call(client, request, done);
    signal.addEventListener("abort", cancel, { once: true });
  });
}
