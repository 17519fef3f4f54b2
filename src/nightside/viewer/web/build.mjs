// Builds ../static: the page, its script and the licences of all that is bundled. Run by `make viewer`.
import { build } from 'esbuild';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const OUT = '../static';
mkdirSync(OUT, { recursive: true });
const { metafile } = await build({
  entryPoints: { viewer: 'src/main.js' },
  bundle: true,
  minify: true,
  metafile: true,
  alias: { 'numcodecs/zstd': './src/zstd.js', 'numcodecs/blosc': './src/unknown_codec.js', 'numcodecs/lz4': './src/unknown_codec.js' },
  format: 'iife',
  target: ['chrome110', 'firefox110', 'safari16'],
  legalComments: 'none',
  outdir: OUT,
  logLevel: 'warning',
});
await build({ entryPoints: { viewer: 'src/viewer.css' }, bundle: true, minify: true, outdir: OUT, logLevel: 'warning' });
copyFileSync('index.html', join(OUT, 'index.html'));

const packages = new Set();
for (const input of Object.keys(metafile.inputs)) {
  const match = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (match) packages.add(match[1]);
}
const texts = [...packages].sort().map((name) => {
  const folder = join('node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const own = join('licences', `${name.replace('/', '__')}.txt`);
  const source = file ? join(folder, file) : own;
  if (!existsSync(source)) throw new Error(`${name} ships no licence; put its text into ${own}`);
  return `${name} ${version} (${license})\n\n${readFileSync(source, 'utf8').trim()}\n`;
});
writeFileSync(
  join(OUT, 'LICENCES.txt'),
  `viewer.js holds these packages, each under its own licence.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`,
);
