// Waits for what announces itself to nobody.

const patience = 20_000; // milliseconds

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
