// The page's words in the reader's language. English is written where it is shown and is the key;
// chinese.js has the other side; gateway_words.js, doctor_words.js and config_words.js have what the
// gateway takes from tables. What else it says (log lines, refusals) stays as it came.

import { chinese } from './chinese.js';
import { device } from './storage.js';

const languageKey = 'hardshell.language';
const dictionaries = { en: {}, zh: chinese };

export const languages = [
    // code, its own name
    ['en', 'English'],
    ['zh', '中文'],
];

const ofBrowser = () =>
    (navigator.languages ?? [navigator.language]).find((code) => /^(en|zh)/i.test(code)) ?? 'en';

export let language = device.read(languageKey) ?? ofBrowser().slice(0, 2).toLowerCase();
if (!dictionaries[language]) language = 'en';

export function setLanguage(code) {
    language = code;
    device.write(languageKey, code);
}

// Marks a text that is translated where it is shown.
export const later = (text) => text;

// A name from elsewhere must not turn the rest of the sentence around.
const plain = (value) => String(value).replace(/[\u202a-\u202e\u2066-\u2069]/g, '');

// The second argument fills the places in braces.
export function t(text, values) {
    const found = dictionaries[language][text] ?? text;
    if (!values) return found;
    return found.replace(/\{(\w+)\}/g, (whole, name) => plain(values[name] ?? whole));
}
