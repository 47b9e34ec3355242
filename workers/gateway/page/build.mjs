// Bundles source/ into built/, which is part of the gateway's program, and packs what is worth it.
// Writes nothing else, so that the same sources and the same lock make the same bundle; packed it
// may differ from one Node to the next, unpacked never (tests/journeys/page/built.test.mjs).
//
//   npm ci && node build.mjs [folder]

import { build } from 'esbuild';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

// Copied as they are.
const plain = [
    ['source/index.html', 'index.html'],
    ['source/favicon.svg', 'assets/favicon.svg'],
];

// What the gateway looks for beside a file (workers/gateway/page_files.cpp).
const packed = ['assets/main.js', 'assets/style.css'];
const packings = [
    // ending, how
    ['.br', (bytes) => brotliCompressSync(bytes, { params: brotliParams(bytes) })],
    ['.gz', (bytes) => gzipSync(bytes, { level: 9 })],
];
const brotliParams = (bytes) => ({
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
});

export async function buildPage(folder = here('built')) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(`${folder}/assets`, { recursive: true });
    for (const [from, to] of plain) await copyFile(here(from), `${folder}/${to}`);
    await build({
        absWorkingDir: here('.'),
        entryPoints: { main: 'source/main.jsx', style: 'source/style.css' },
        outdir: `${folder}/assets`,
        bundle: true,
        minify: true,
        format: 'esm',
        target: ['es2022'],
        charset: 'utf8',
        legalComments: 'eof',
        jsx: 'automatic',
        jsxImportSource: 'preact',
        logLevel: 'warning',
    });
    for (const name of packed) {
        const bytes = await readFile(`${folder}/${name}`);
        for (const [ending, pack] of packings)
            await writeFile(`${folder}/${name}${ending}`, pack(bytes));
    }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildPage(process.argv[2]);
