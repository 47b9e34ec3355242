// A link to a view: stays in the page, but opens beside it where the reader asks for that.

import { addressOf, go } from './router.js';

export function ViewLink({ view, query = '', onGo, children, ...more }) {
    const follow = (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        go(view, query);
        onGo?.();
    };
    return (
        <a href={addressOf(view, query)} onClick={follow} {...more}>
            {children}
        </a>
    );
}
