// Compiles src/ into dist/. The new tree is written beside the old one and swapped in, so that a build never leaves a
// half-written dist/ for a command that runs at the same time.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const tsc = join(root, "node_modules/typescript/bin/tsc");
const fresh = join(root, `dist.${process.pid}`);

if (!existsSync(tsc)) {
  // A consumer that installs from a git address has no development dependencies; a packed release already has dist/.
  console.error("build: typescript is not installed; run npm ci first");
  process.exit(1);
}
const built = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", fresh], {
  cwd: root,
  stdio: ["ignore", 2, 2],
});
if (built.status !== 0) {
  rmSync(fresh, { recursive: true, force: true });
  process.exit(built.status ?? 1);
}
chmodSync(join(fresh, "cli/main.js"), 0o755);
writeFileSync(join(fresh, ".built"), "");
rmSync(join(root, "dist"), { recursive: true, force: true });
renameSync(fresh, join(root, "dist"));
