import { createPostgresBackend } from "bullmq";
import { openBullmq } from "./bullmq.js";

export const tuning = "concurrency 32, 20 connections, jobs removed when done";

export async function open(connectionString) {
  const connection = () => ({ connectionString, max: 20, migrate: true });
  return openBullmq({ connection, factory: [createPostgresBackend], concurrency: 32 });
}
