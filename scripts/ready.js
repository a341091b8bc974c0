// Makes a bare clone ready: installs what the lock file names when it is missing or older than the lock file, and
// builds dist/ when a source is newer. Every npm script that needs either runs this first; when all is there it costs
// a few milliseconds.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

function run(command, args) {
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

function modifiedAt(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newest(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((at, entry) => Math.max(at, modifiedAt(join(entry.parentPath, entry.name))), 0);
}

const installed = modifiedAt(join(root, "node_modules/.package-lock.json"));
if (installed < modifiedAt(join(root, "package-lock.json")))
  run("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
if (modifiedAt(join(root, "dist/.built")) < newest(join(root, "src")))
  run(process.execPath, ["scripts/build.js"]);
