import { connect } from "sluice";
import { greet } from "./jobs.ts";

// The same rule as the command's: SLUICE_URL, or a file in the working directory.
const sluice = await connect(process.env.SLUICE_URL ?? "sqlite:sluice.db");
for (const name of process.argv.slice(2)) {
  await sluice.publish(greet, { name });
  console.log(`published ${name}`);
}
await sluice.close();
