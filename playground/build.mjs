// Builds the query page into the gateway's package: one page, one program, its workers, its font, and their licenses.
// Names of files contain a hash of their content, so that browsers can keep them.
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "../gateway/http/graphql/generated");
const LIMIT = 2_000_000;

const WORKERS = {
  editor: "monaco-editor/esm/vs/editor/editor.worker.js",
  json: "monaco-editor/esm/vs/language/json/json.worker.js",
  graphql: "monaco-graphql/esm/graphql.worker.js",
};

const common = {
  absWorkingDir: here,
  outdir: target,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  minify: true,
  metafile: true,
  legalComments: "none",
  target: "es2022",
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".ttf": "file" },
  logLevel: "warning",
};

const inputs = new Set();

async function bundle(entries, options) {
  const { metafile } = await build({ ...common, ...options, entryPoints: entries });
  for (const input of Object.keys(metafile.inputs)) inputs.add(input);
  return Object.entries(metafile.outputs);
}

async function bundleWorkers() {
  const entries = Object.entries(WORKERS).map(([name, path]) => ({ in: path, out: `${name}-worker` }));
  const outputs = await bundle(entries, { format: "iife" });
  const find = (name) => basename(outputs.find(([file]) => basename(file).startsWith(`${name}-worker-`))[0]);
  return Object.fromEntries(Object.keys(WORKERS).map((name) => [name, find(name)]));
}

async function bundlePage(workers) {
  const entries = [{ in: "source/page.jsx", out: "page" }];
  const define = { ...common.define, WORKERS: JSON.stringify(workers) };
  const outputs = await bundle(entries, { format: "iife", jsx: "automatic", define });
  const names = outputs.map(([file]) => basename(file));
  const find = (ending) => names.find((name) => name.startsWith("page-") && name.endsWith(ending));
  const page = await readFile(join(here, "source/index.html"), "utf8");
  await writeFile(join(target, "index.html"), page.replace("{script}", find(".js")).replace("{style}", find(".css")));
}

// ------------------------------------------------------------------------------------------------ licenses

// The innermost package that a file belongs to, such as node_modules/graphiql/node_modules/clsx.
const folderOf = (file) => file.match(/^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0];

async function describe(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(here, folder, "package.json"), "utf8"));
  const files = (await readdir(join(here, folder))).filter((file) => /^(licen[cs]e|notice|thirdpartynotices)/i.test(file));
  const texts = await Promise.all(files.sort().map((file) => readFile(join(here, folder, file), "utf8")));
  const body = texts.map((text) => text.replaceAll("\r\n", "\n").replace(/[ \t]+$/gm, "").trim());
  return [`${name} ${version} (${license})`, ...body].join("\n\n");
}

async function writeLicenses() {
  const folders = [...new Set([...inputs].map(folderOf).filter(Boolean))].sort();
  const parts = [...new Set(await Promise.all(folders.filter((one) => existsSync(join(here, one, "package.json"))).map(describe)))];
  const rule = `\n\n${"-".repeat(80)}\n\n`;
  await writeFile(join(target, "LICENSES.txt"), `The query page contains these packages.${rule}${parts.join(rule)}\n`);
}

// ------------------------------------------------------------------------------------------------ size

async function printSizes() {
  let total = 0;
  for (const name of (await readdir(target)).sort()) {
    const content = await readFile(join(target, name));
    const size = gzipSync(content, { level: 6 }).length;
    if (name !== "LICENSES.txt") total += size;
    console.log(`${name.padEnd(40)} ${content.length.toLocaleString("en").padStart(11)} B, gzip ${size.toLocaleString("en").padStart(9)} B`);
  }
  console.log(`total, without the licenses: gzip ${total.toLocaleString("en")} B`);
  if (total > LIMIT) throw new Error(`the page has more than ${LIMIT.toLocaleString("en")} B`);
}

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await bundlePage(await bundleWorkers());
await writeLicenses();
await printSizes();
