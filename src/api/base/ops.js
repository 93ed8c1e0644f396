// The native functions of all folders (ops.h), as one frozen object. The snapshot maker passes it
// to the bundle under this name; nothing else ever sees it.
/* global __skep_ops */
export const ops = __skep_ops;
