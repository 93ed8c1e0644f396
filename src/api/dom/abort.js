// Placeholder until this folder is written: enough for the bundle to link.
export class AbortSignal {}
export const is_abort_signal = (x) => x instanceof AbortSignal;
export const make_abort_signal = () => new AbortSignal();
export const any_signal = (l) => l[0];
export const signal_abort_reason = () => undefined;
export const signal_is_aborted = () => false;
export const signal_add_algorithm = () => {};
