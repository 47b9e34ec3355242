// Which view the address names. Below the gateway's base path each view has a path of its own, so
// that links, the back button and a reload lead where one expects.

import { signal } from '@preact/signals';

const base = globalThis.__OPENCLAW_CONTROL_UI_BASE_PATH__ ?? '';

const nameIn = (path) => path.slice(base.length).split('/').find(Boolean) ?? '';

export const place = signal({ view: nameIn(location.pathname), query: location.search });

const read = () => (place.value = { view: nameIn(location.pathname), query: location.search });

window.addEventListener('popstate', read);

export const addressOf = (view, query = '') => `${base}/${view}${query}`;

export function go(view, query = '') {
    const address = addressOf(view, query);
    if (address !== location.pathname + location.search) history.pushState(null, '', address);
    read();
}

export const argument = (name) => new URLSearchParams(place.value.query).get(name);
