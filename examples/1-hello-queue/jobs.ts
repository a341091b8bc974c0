import { defineJob } from "sluice";

/** Publisher and worker import the same definition, and with it the type of the input. */
export const greet = defineJob<{ name: string }>("greet", { retry: { attempts: 5 } });
