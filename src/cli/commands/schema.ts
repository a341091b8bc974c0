import { Argument, Command } from "commander";
import { mixedSchema, schemaKinds, specSchema } from "../../specs/index.ts";
import { print } from "../terminal.ts";
import { withTriggerMetadata } from "../trigger-schema.ts";

const words = schemaKinds.map((kind) => kind.toLowerCase());

const examples = `
Examples:
  $ sluice schema > keda.schema.json          for files that mix kinds
  $ sluice schema scaledobject                of one kind

An editor with the YAML language server takes it from the first line of a file:
  # yaml-language-server: $schema=keda.schema.json`;

/** `sluice schema`: JSON Schema of what Sluice reads, for editors. */
export function schemaCommand(): Command {
  return new Command("schema")
    .description("print the JSON Schema of KEDA's objects, for editors")
    .addArgument(new Argument("[kind]", "this kind alone").choices(words))
    .addHelpText("after", examples)
    .action(schema);
}

async function schema(word: string | undefined): Promise<void> {
  const kind = schemaKinds.find((one) => one.toLowerCase() === word);
  const bare = kind === undefined ? mixedSchema() : specSchema(kind);
  print(JSON.stringify(await withTriggerMetadata(bare), null, 2));
}
