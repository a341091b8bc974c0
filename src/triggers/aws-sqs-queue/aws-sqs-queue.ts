import type { TriggerContext } from "../../scaler/index.ts";
import { loadClient } from "../client.ts";
import { noAnswer, reasonOf, wrongAnswer } from "../failure.ts";
import { choice, flag, integer, text, type ValuesOf } from "../metadata-key.ts";
import { type ConnectionPlan, shareConnection } from "../shared-connection.ts";
import { above, sourceNumber } from "../source-number.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";

const keys = {
  queueURL: text({
    from: "ME",
    required: true,
    says: "`https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`, or the bare name",
  }),
  awsRegion: text({ from: "MA", required: true, says: "" }),
  queueLength: integer({ from: "M", fallback: "5", says: "Messages per replica" }),
  activationQueueLength: integer({ from: "M", fallback: "0", says: "Active above this" }),
  scaleOnInFlight: flag({
    from: "M",
    fallback: "true",
    says: "Messages that a consumer holds count",
  }),
  scaleOnDelayed: flag({ from: "M", fallback: "false", says: "Delayed messages count" }),
  awsEndpoint: text({ from: "M", says: "Another server that speaks SQS" }),
  identityOwner: choice(["pod", "operator"], {
    from: "M",
    says: "`operator`: the credentials of our own environment",
  }),
  awsAccessKeyID: text({ from: "AME", aliases: ["awsAccessKeyId"], says: "" }),
  awsSecretAccessKey: text({ from: "AE", says: "" }),
  awsSessionToken: text({ from: "A", says: "" }),
  awsRoleArn: text({ from: "A", says: "Not supported here" }),
};

type Values = ValuesOf<typeof keys>;

export const awsSqsQueue: TriggerType = defineTriggerType({
  type: "aws-sqs-queue",
  keys,
  measures:
    "Messages that are visible, plus those in flight and those delayed where wanted; approximate, as SQS tells them",
  countsInFlight: "yes, unless `scaleOnInFlight` is false",
  check: problemsOf,
  gauge(values, context) {
    const { queueURL, queueLength, activationQueueLength } = values;
    const sqs = shareConnection(context, sqsClient(values, usesOwnIdentity(values, context)));
    const attributes = attributesOf(values);
    return singleGauge(context, {
      name: `aws-sqs-${queueNameOf(queueURL)}`,
      target: { key: "queueLength", value: queueLength },
      async measure(signal) {
        const counts = await sqs.use(signal, (client, limited) =>
          readAttributes(client, { QueueUrl: queueURL, AttributeNames: attributes }, limited),
        );
        const numbers = attributes.map((name) => {
          if (counts[name] === undefined)
            throw wrongAnswer(`SQS does not tell ${name} of ${queueURL}`);
          return sourceNumber(counts[name], `${name} of ${queueURL}`);
        });
        return above(
          activationQueueLength,
          numbers.reduce((sum, value) => sum + value, 0),
        );
      },
      close: sqs.release,
    });
  },
});

function problemsOf(values: Values, context: TriggerContext): readonly string[] {
  const { queueURL, awsAccessKeyID, awsSecretAccessKey, awsRoleArn, awsEndpoint } = values;
  const problems: string[] = [];
  if (queueNameOf(queueURL) === "")
    problems.push("queueURL must be https://…/ACCOUNT/NAME or the name of a queue");
  if (awsEndpoint !== null && !URL.canParse(awsEndpoint))
    problems.push("awsEndpoint must be a URL");
  if (awsRoleArn !== null || context.podIdentity?.roleArn)
    problems.push(
      "a role to assume is not supported here; give awsAccessKeyID and awsSecretAccessKey, or let our own environment have the role",
    );
  if (usesOwnIdentity(values, context)) return problems;
  if (awsAccessKeyID === null)
    problems.push("awsAccessKeyID is required, or podIdentity aws, or identityOwner operator");
  if (awsSecretAccessKey === null) problems.push("awsSecretAccessKey is required");
  return problems;
}

function usesOwnIdentity({ identityOwner }: Values, { podIdentity }: TriggerContext): boolean {
  return podIdentity?.provider === "aws" || identityOwner === "operator";
}

/** The second part of a URL's path, or the text itself where it is no URL. */
function queueNameOf(queueUrl: string): string {
  if (!URL.canParse(queueUrl)) return queueUrl;
  const parts = new URL(queueUrl).pathname.split("/");
  return parts.length === 3 ? (parts[2] ?? "") : "";
}

function attributesOf({ scaleOnInFlight, scaleOnDelayed }: Values): readonly string[] {
  return [
    "ApproximateNumberOfMessages",
    ...(scaleOnInFlight ? ["ApproximateNumberOfMessagesNotVisible"] : []),
    ...(scaleOnDelayed ? ["ApproximateNumberOfMessagesDelayed"] : []),
  ];
}

interface SqsClientLike {
  send(
    command: unknown,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<{ readonly Attributes?: Readonly<Record<string, string>> }>;
  destroy(): void;
}

interface SqsLike {
  readonly SQSClient: new (options: object) => SqsClientLike;
  readonly GetQueueAttributesCommand: new (input: object) => unknown;
}

interface Sqs {
  readonly client: SqsClientLike;
  readonly command: SqsLike["GetQueueAttributesCommand"];
}

/** Without keys of the trigger, the client finds credentials in our environment by itself. */
function sqsClient(values: Values, usesOwn: boolean): ConnectionPlan<Sqs> {
  const { awsRegion: region, awsEndpoint, awsSessionToken: sessionToken } = values;
  const credentials = usesOwn
    ? null
    : {
        accessKeyId: values.awsAccessKeyID ?? "",
        secretAccessKey: values.awsSecretAccessKey ?? "",
        ...(sessionToken !== null && { sessionToken }),
      };
  return {
    key: `aws-sqs-queue ${JSON.stringify([region, awsEndpoint, credentials])}`,
    async open() {
      const sqs = await loadClient<SqsLike>(
        "@aws-sdk/client-sqs@^3.700",
        "the trigger aws-sqs-queue",
        () => import("@aws-sdk/client-sqs"),
      );
      const client = new sqs.SQSClient({
        region,
        ...(credentials !== null && { credentials }),
        ...(awsEndpoint !== null && { endpoint: awsEndpoint }),
        useQueueUrlAsEndpoint: false, // as Go's client: the region or awsEndpoint says where
        maxAttempts: 1,
      });
      return { client, command: sqs.GetQueueAttributesCommand };
    },
    close: async ({ client }) => client.destroy(),
    atOnce: 8,
    healsItself: true,
  };
}

async function readAttributes(
  { client, command: Command }: Sqs,
  input: object,
  abortSignal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  try {
    const { Attributes = {} } = await client.send(new Command(input), { abortSignal });
    return Attributes;
  } catch (error) {
    const { $metadata: answer } = error as {
      readonly $metadata?: { readonly httpStatusCode?: number };
    };
    const status = answer?.httpStatusCode ?? 500;
    const name = error instanceof Error ? error.name : "";
    const message = `SQS cannot be read: ${name}: ${reasonOf(error)}`;
    throw status < 500 ? wrongAnswer(message, error) : noAnswer(message, error);
  }
}
