import { writeFile } from "node:fs/promises";
import { SluiceError } from "../core/index.ts";

/** Writes a result to a file. Throws `OPTION_INVALID` where it cannot. */
export async function writeResult(path: string, text: string, option: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SluiceError(
      "OPTION_INVALID",
      `${option} must be a file that can be written: ${why}`,
      {
        cause: error,
      },
    );
  }
}
