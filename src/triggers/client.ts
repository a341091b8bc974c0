import { SluiceError } from "../core/index.ts";

/** Loads a client library that need not be there. Rejects with `CLIENT_MISSING`, naming the install command. */
export async function loadClient<Module>(
  packages: string,
  neededFor: string,
  load: () => Promise<unknown>,
): Promise<Module> {
  try {
    const loaded = (await load()) as Module & { readonly default?: Module };
    return loaded.default ?? loaded;
  } catch (cause) {
    const message = `${neededFor} needs ${packages.replaceAll(/@[\^\d.]+/g, "")}: npm install ${packages}`;
    throw new SluiceError("CLIENT_MISSING", message, { cause });
  }
}
