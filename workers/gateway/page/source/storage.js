// Browser storage that may be blocked or full: reading then answers null, writing does nothing.

function guarded(name) {
    const attempt = (action) => {
        try {
            return action(globalThis[name]);
        } catch {
            return null;
        }
    };
    return {
        read: (key) => attempt((store) => store.getItem(key)),
        write: (key, value) => attempt((store) => store.setItem(key, value)),
        remove: (key) => attempt((store) => store.removeItem(key)),
        removeAll: (start) =>
            attempt((store) => {
                for (const key of Object.keys(store))
                    if (key.startsWith(start)) store.removeItem(key);
            }),
    };
}

// Kept on the device.
export const device = guarded('localStorage');
// Kept for this tab, also over a reload.
export const tab = guarded('sessionStorage');
