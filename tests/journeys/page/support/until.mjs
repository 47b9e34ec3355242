// Waits for what announces itself to nobody.

// How long anything may take, in milliseconds: a machine may be busy. HARDSHELL_PATIENCE_MS names
// another for one that is very much so.
export const patience = Number(process.env.HARDSHELL_PATIENCE_MS ?? 30_000);

// Repeats `attempt` until it answers something.
export async function until(what, attempt) {
    const end = Date.now() + patience;
    while (Date.now() < end) {
        const answer = await attempt();
        if (answer) return answer;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${what}: not within ${patience} ms`);
}
