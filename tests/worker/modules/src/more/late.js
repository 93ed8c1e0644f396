export const loaded = true;
export default import.meta.url === undefined ? "no URL" : typeof import.meta.url;
