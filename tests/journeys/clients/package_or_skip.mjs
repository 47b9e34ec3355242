// A package of the npm registry; where it is not installed the whole test is skipped.
export async function packageOrSkip(name) {
    return import(name).catch((error) => {
        if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
        console.error(`skipped: the package ${name} is not installed; run \`npm ci\` in this folder`);
        process.exit(77);
    });
}
