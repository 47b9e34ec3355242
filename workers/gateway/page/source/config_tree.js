// The configuration as a tree that is edited: values, what was changed, and the change as a merge
// patch. Pure.

export const placeholder = '__OPENCLAW_REDACTED__';

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

export function valueAt(tree, path) {
    let value = tree;
    for (const step of path) {
        if (!isObject(value) || !Object.hasOwn(value, step)) return undefined;
        value = value[step];
    }
    return value;
}

// The tree with another value at the path; undefined takes the key away.
export function withValue(tree, path, value) {
    if (path.length === 0) return value;
    const [step, ...rest] = path;
    const copy = isObject(tree) ? { ...tree } : {};
    const inner = withValue(copy[step], rest, value);
    if (inner === undefined || (rest.length > 0 && isObject(inner) && isEmpty(inner, copy[step])))
        delete copy[step];
    else copy[step] = inner;
    return copy;
}

// A section that only came to be for a value which is gone again.
const isEmpty = (inner, before) => Object.keys(inner).length === 0 && before === undefined;

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

// What turns `before` into `after`, by the rules of RFC 7396; undefined when nothing does.
export function patchBetween(before, after) {
    if (same(before, after)) return undefined;
    if (!isObject(before) || !isObject(after)) return after;
    const patch = {};
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
        if (!Object.hasOwn(after, key)) patch[key] = null;
        else if (!Object.hasOwn(before, key)) patch[key] = after[key];
        else {
            const inner = patchBetween(before[key], after[key]);
            if (inner !== undefined) patch[key] = inner;
        }
    }
    return Object.keys(patch).length > 0 ? patch : undefined;
}

// [{path, steps, before, after}]: the values that differ, for a reader.
export function changesBetween(before, after, path = []) {
    if (same(before, after)) return [];
    if (!isObject(before) || !isObject(after)) {
        if (isObject(after) && before === undefined)
            return Object.keys(after).flatMap((key) =>
                changesBetween(undefined, after[key], [...path, key]),
            );
        return [{ path: path.join('.'), steps: path, before, after }];
    }
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
        changesBetween(before[key], after[key], [...path, key]),
    );
}

// The hint for a path: named steps or "*" for the keys of a map.
export function hintFor(hints, path) {
    let candidates = [''];
    for (const step of path)
        candidates = candidates.flatMap((start) =>
            [step, '*'].map((name) => (start ? `${start}.${name}` : name)),
        );
    for (const name of candidates) if (Object.hasOwn(hints, name)) return hints[name];
    return {};
}

// What kind of field a schema asks for.
export function fieldKind(schema) {
    if (!schema) return 'json';
    if (Array.isArray(schema.enum) && schema.enum.every((value) => typeof value === 'string'))
        return 'choice';
    if (schema.properties || isObject(schema.additionalProperties)) return 'section';
    if (schema.type === 'boolean') return 'switch';
    if (schema.type === 'integer' || schema.type === 'number') return 'number';
    if (schema.type === 'string') return 'text';
    if (schema.type === 'array' && schema.items?.type === 'string') return 'lines';
    return 'json';
}
