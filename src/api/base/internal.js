// First argument of a constructor that only the runtime itself may call in this way. User code
// never gets hold of the symbol: it is not registered and stands on no object.
export const kInternal = Symbol("internal");
