// Whoever uses the keyboard or a screen reader is never left nowhere: when what had the focus is
// gone and nothing has taken its place, the heading of the view has it.

let last = null;

const isNowhere = () => [null, document.body].includes(document.activeElement);

export function focusHeading() {
    if (!isNowhere()) return;
    const heading = document.querySelector('main h1');
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
}

export function keepFocus(page) {
    page.addEventListener('focusin', ({ target }) => (last = target));
    new MutationObserver(() => {
        if (!last || last.isConnected) return;
        last = null;
        focusHeading();
    }).observe(page, { childList: true, subtree: true });
}
