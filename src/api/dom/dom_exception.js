// Placeholder until this folder is written: enough for the bundle to link.
export class DOMException extends Error { constructor(m,n){super(m);this.name=n;} }
