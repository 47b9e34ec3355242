// Pictures that are sent along: made small enough for one message of the protocol.

import { t } from './i18n.js';

// Of base64 text, all pictures of a message together; a frame holds 512 KiB.
export const mostText = 420_000;
const sides = [2048, 1536, 1024, 768, 512, 320];
const qualities = [0.85, 0.7];

const asBase64 = (blob) =>
    new Promise((resolve, reject) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(',') + 1));
        reader.onerror = () => reject(reader.error);
        reader.readAsDataURL(blob);
    });

function drawn(bitmap, side) {
    const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext('2d').drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return canvas;
}

// {mimeType, name, data}; throws what the owner is told.
export async function readPicture(file, room = mostText) {
    const name = file.name || 'image';
    if (/^image\/(png|jpeg|gif|webp)$/.test(file.type) && file.size * 1.34 < room)
        return { mimeType: file.type, name, data: await asBase64(file) };
    let bitmap;
    try {
        bitmap = await createImageBitmap(file);
    } catch {
        throw new Error(t('{name} is no picture that this browser can read.', { name }));
    }
    for (const side of sides)
        for (const quality of qualities) {
            const blob = await new Promise((resolve) =>
                drawn(bitmap, side).toBlob(resolve, 'image/jpeg', quality),
            );
            if (blob && blob.size * 1.34 < room)
                return { mimeType: 'image/jpeg', name, data: await asBase64(blob) };
        }
    throw new Error(t('There is no room for {name} in this message.', { name }));
}

export const addressOf = ({ mimeType, data }) => `data:${mimeType};base64,${data}`;
