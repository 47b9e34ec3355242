// The page as it is committed is what its sources build to, packed and unpacked, and small. Needs `npm ci` in
// workers/gateway/page.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

const page = new URL('../../../workers/gateway/page/', import.meta.url);
const mostCompressed = 150_000;

const unpackers = new Map([
    ['.br', brotliDecompressSync],
    ['.gz', gunzipSync],
]);
const isPacked = (name) => unpackers.has(extname(name));
// Another Node may pack otherwise; what counts is what comes out.
const unpacked = (name, content) => unpackers.get(extname(name))?.(content) ?? content;

async function filesIn(folder) {
    const names = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = new Map();
    for (const entry of names.filter((one) => one.isFile())) {
        const path = join(entry.parentPath ?? entry.path, entry.name);
        files.set(path.slice(folder.length), await readFile(path));
    }
    return files;
}

test('the built page is what the sources build to', async () => {
    const { buildPage } = await import(new URL('build.mjs', page));
    const folder = await mkdtemp(join(tmpdir(), 'hardshell-built-'));
    try {
        await buildPage(folder);
        const made = await filesIn(`${folder}/`);
        const kept = await filesIn(fileURLToPath(new URL('built/', page)));
        assert.deepEqual([...kept.keys()].sort(), [...made.keys()].sort());
        for (const [name, content] of made)
            assert.ok(
                unpacked(name, content).equals(unpacked(name, kept.get(name))),
                `${name} differs: run node build.mjs in workers/gateway/page`,
            );
    } finally {
        await rm(folder, { recursive: true, force: true });
    }
});

test('it is small in either packing', async () => {
    const files = await filesIn(fileURLToPath(new URL('built/', page)));
    for (const ending of unpackers.keys()) {
        let size = 0;
        for (const [name, content] of files)
            if (!isPacked(name)) size += (files.get(name + ending) ?? content).length;
        assert.ok(size < mostCompressed, `${size} bytes with ${ending}`);
    }
});

test('it names nobody else’s address, and neither lock names a registry', async () => {
    const html = await readFile(new URL('built/index.html', page), 'utf8');
    const style = await readFile(new URL('built/assets/style.css', page), 'utf8');
    assert.doesNotMatch(html + style, /https?:\/\/(?!github\.com\/leeoniya)/);
    for (const lock of [new URL('package-lock.json', page), 'package-lock.json'])
        assert.doesNotMatch(
            await readFile(new URL(lock, import.meta.url), 'utf8'),
            /"resolved"|registry/,
        );
});
