// What a benchmark must reach. One that is missed is named and makes the program fail.

// figure and bar: milliseconds, or a ratio.
export function reaches(what, figure, bar) {
    if (figure <= bar) return;
    console.log(`missed: ${what} is ${figure.toFixed(2)}, the bar is ${bar.toFixed(2)}`);
    process.exitCode = 1;
}

// The value below which that share of the values lies.
export function quantile(values, share) {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) * share)];
}
