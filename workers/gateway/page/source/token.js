// The gateway's token or password: where it comes from and where it is kept.
//
// A secret in the address is taken once and leaves the address bar before anything else happens.
// It is kept on the device only if the owner wants it there and the gateway has accepted it.
// An address of another gateway in the link is never followed.

import { device } from './storage.js';

const secretKey = 'hardshell.secret';
const rememberKey = 'hardshell.remember';
const names = ['token', 'password'];

// What the address carries, and the address without it.
export function readAddress(address) {
    const url = new URL(address);
    const fragment = new URLSearchParams(url.hash.slice(1));
    let secret = null;
    for (const parameters of [fragment, url.searchParams]) {
        for (const name of names) {
            if (!parameters.has(name)) continue;
            secret ??= parameters.get(name).trim() || null;
            parameters.delete(name);
            if (parameters === fragment) url.hash = fragment.toString();
        }
    }
    if (url.searchParams.has('gatewayUrl')) url.searchParams.delete('gatewayUrl');
    return { secret, session: url.searchParams.get('session'), address: url.href };
}

export function takeFromAddress() {
    const found = readAddress(location.href);
    if (found.address !== location.href) history.replaceState(history.state, '', found.address);
    return found;
}

export const stored = () => device.read(secretKey);
export const wantsRemembering = () => device.read(rememberKey) !== 'no';

export function setRemembering(wanted) {
    device.write(rememberKey, wanted ? 'yes' : 'no');
    if (!wanted) device.remove(secretKey);
}

// Called once the gateway has accepted it.
export function accepted(secret) {
    if (wantsRemembering()) device.write(secretKey, secret);
}

export function forget() {
    device.remove(secretKey);
}
