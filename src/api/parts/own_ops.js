// The natives that only the parts of one folder have (PartOps of parts.h), as an object without a
// prototype. For parts alone: the snapshot has none.
/* global __skep_ops */
export const own_ops = __skep_ops;
